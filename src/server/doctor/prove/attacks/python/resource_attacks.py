"""Attacks on what an instance may use."""

import os
import subprocess
import time

from outcome import code_of

BYTES_PER_MB = 1_048_576
STEP_MB = 8


def allocate(kind, megabytesMax):
    """Takes memory step by step; answers only when nothing stopped it."""
    kept = []
    while len(kept) * STEP_MB < megabytesMax:
        if kind == "heap":
            # Each float of its own, and the list that holds it: 32 bytes.
            kept.append([index + 0.5 for index in range(STEP_MB * BYTES_PER_MB // 32)])
        else:
            kept.append(bytearray(b"\1") * (STEP_MB * BYTES_PER_MB))
        time.sleep(0.002)
    return {"megabytes": len(kept) * STEP_MB}


def spawn(countMax):
    """Starts processes that wait, and ends them again."""
    children = []
    code = "none"
    try:
        while len(children) < countMax:
            children.append(subprocess.Popen(["/bin/sleep", "60"], stdin=subprocess.DEVNULL))
    except OSError as error:
        code = code_of(error)
    for child in children:
        child.kill()
    return {"count": len(children), "code": code}


def open_many(countMax):
    """Opens descriptors."""
    opened = []
    code = "none"
    try:
        while len(opened) < countMax:
            opened.append(os.open("/dev/null", os.O_RDONLY))
    except OSError as error:
        code = code_of(error)
    for descriptor in opened:
        os.close(descriptor)
    return {"count": len(opened), "code": code, "what": "files"}


def spin():
    """Never gives the processor back."""
    while True:
        pass


def burn(processes, ms):
    """Keeps processors busy, each process in a session of its own: some kernels are fair to sessions."""
    children = []
    code = "none"
    try:
        for _ in range(1, processes):
            loop = ["/bin/sh", "-c", "while :; do :; done"]
            children.append(subprocess.Popen(loop, start_new_session=True))
    except OSError as error:
        code = code_of(error)
    until = time.monotonic() + ms / 1000
    while time.monotonic() < until:
        pass
    for child in children:
        child.kill()
    return {"code": code}


def flood(lines, characters):
    """Writes lines as fast as it can."""
    text = "x" * characters
    for _ in range(lines):
        print(text)
    return {"lines": lines}


def endless():
    """Answers without end."""
    chunk = b"x" * 65_536
    while True:
        yield chunk


RESOURCE_ATTACKS = {
    "allocate": allocate,
    "spawn": spawn,
    "open": open_many,
    "spin": spin,
    "burn": burn,
    "flood": flood,
    "endless": endless,
}
