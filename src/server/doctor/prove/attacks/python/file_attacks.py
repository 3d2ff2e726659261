"""Attacks on files."""

import glob
import os

from outcome import Refused, code_of, outcomes

BYTES_PER_MB = 1_048_576


def read(paths):
    """Reads files, and lists folders."""
    return outcomes((path, lambda path=path: _read(path)) for path in paths)


def _read(path):
    if not os.path.isdir(path):
        with open(path, "rb") as file:
            return f"{len(file.read())} bytes"
    names = os.listdir(path)
    if not names:
        raise Refused("EMPTY")
    return f"{len(names)} entries"


def write(paths):
    """Creates files, and removes them again."""
    return outcomes((path, lambda path=path: _write(path)) for path in paths)


def _write(path):
    with open(path, "w") as file:
        file.write("reactor doctor")
    os.remove(path)


def keep(name, text):
    """Keeps a file where only this function is to find it; answers with its path."""
    path = f"{os.environ.get('TMPDIR', '/tmp')}/{name}"
    with open(path, "w") as file:
        file.write(text)
    return {"path": path}


def seek(text):
    """Looks for a text in the environment and arguments of every process that it sees."""
    readable = 0
    found = []
    denied = set()
    for path in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as file:
                content = file.read()
        except OSError as error:
            denied.add(code_of(error))
            continue
        readable += 1
        if text.encode() in content:
            found.append(path)
    return {"readable": readable, "found": found, "denied": sorted(denied)}


def fill(folder, name, megabytesMax):
    """Fills a folder, and empties it again."""
    chunk = b"\1" * BYTES_PER_MB
    files = []
    code = "none"
    megabytes = 0
    try:
        for megabytes in range(megabytesMax):
            files.append(f"{folder}/{name}-{megabytes}")
            with open(files[-1], "wb", buffering=0) as file:
                written = file.write(chunk)
            if written < len(chunk):
                code = "ENOSPC"
                break
        else:
            megabytes = megabytesMax
    except OSError as error:
        code = code_of(error)
    for path in files:
        if os.path.exists(path):
            os.remove(path)
    return {"megabytes": megabytes, "code": code}


FILE_ATTACKS = {"read": read, "write": write, "keep": keep, "seek": seek, "fill": fill}
