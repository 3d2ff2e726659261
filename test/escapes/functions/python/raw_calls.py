"""System calls made through the C library."""

import base64
import ctypes
import errno
import json
import os
import struct

from attempt import Refused

libc = ctypes.CDLL(None, use_errno=True)


def kernel_escapes(aims):
    for call in aims["calls"]:
        yield call["name"], {"ctypes": lambda call=call: in_a_child(call) if "childOnly" in call else make(call)}


def make(call):
    kept, opened = [], []
    try:
        words = [word_of(argument, kept, opened) for argument in call["args"]]
        words += [0] * (6 - len(words))
        value = libc.syscall(ctypes.c_long(call["number"]), *map(ctypes.c_long, words))
        if value == -1:
            raise OSError(ctypes.get_errno(), "refused")
        return f"answered {value}"
    finally:
        for descriptor in opened:
            os.close(descriptor)


def word_of(argument, kept, opened):
    if isinstance(argument, int):
        return argument
    if isinstance(argument, str):
        return keep(kept, argument.encode() + b"\0")
    if "bytes" in argument:
        return keep(kept, base64.b64decode(argument["bytes"]))
    if "open" in argument:
        opened.append(os.open(argument["open"], os.O_RDONLY))
        return opened[-1]
    memory = keep(kept, bytes(argument["vector"]))
    return keep(kept, struct.pack("QQ", memory, argument["vector"]))


def keep(kept, content):
    # Memory whose address was taken must live until the call is over.
    kept.append(ctypes.create_string_buffer(content, len(content)))
    return ctypes.addressof(kept[-1])


def in_a_child(call):
    """For calls that may fork, or that change the process that makes them."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        own = os.getpid()
        try:
            answer = make(call)
        except OSError as error:
            answer = error.errno
        # A copy that the call made ends where it is.
        if os.getpid() == own:
            os.write(writing, json.dumps(answer).encode())
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as pipe:
        answer = json.loads(pipe.read() or b"null")
    os.waitpid(pid, 0)
    if isinstance(answer, int):
        raise OSError(answer, errno.errorcode.get(answer, "refused"))
    if answer is None:
        raise Refused("killed")
    return answer
