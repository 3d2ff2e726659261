"""Attacks on processes."""

import os
import subprocess

from outcome import Refused, code_of, outcomes


def processes():
    """Lists the processes that it sees, with their arguments."""
    pids = [name for name in os.listdir("/proc") if name.isdigit()]
    lines = []
    for pid in pids:
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                lines.append(file.read(4096).replace(b"\0", b" ").decode("latin-1"))
        except OSError as error:
            lines.append(code_of(error))
    return {"count": len(pids), "lines": lines}


def run(programs):
    """Runs programs of the system that ask the kernel for something."""
    return outcomes((name, lambda words=words: _run(words)) for name, words in programs.items())


def _run(words):
    done = subprocess.run(words, capture_output=True, text=True, timeout=5)
    if done.returncode != 0:
        said = done.stderr.strip().split("\n")[0].split(": ")[-1]
        raise Refused(f"exit {done.returncode}: {said}"[:80])


def signal(pids):
    """Asks whether it might signal processes of the machine."""
    return outcomes((name, lambda pid=pid: os.kill(pid, 0)) for name, pid in pids.items())


PROCESS_ATTACKS = {"processes": processes, "run": run, "signal": signal}
