"""Attacks on the end of an instance."""

import subprocess

from outcome import code_of


def detach(mark):
    """Leaves a process behind that belongs to no group, session or parent of this one."""
    sleeper = f"(setsid /bin/sh -c 'sleep 120; :' {mark} >/dev/null 2>&1 &)"
    try:
        subprocess.run(["/bin/sh", "-c", sleeper], timeout=5)
    except OSError as error:
        return {"code": code_of(error)}
    return {"code": "none"}


END_ATTACKS = {"detach": detach}
