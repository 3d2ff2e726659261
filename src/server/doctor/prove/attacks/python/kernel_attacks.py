"""Attacks on the kernel itself, by its own calls."""

import ctypes
import errno
import platform
import socket
import subprocess

from outcome import Refused, outcomes

# Numbers of system calls, which differ by processor.
NUMBERS = {
    "x86_64": {
        "ptrace": 101,
        "process_vm_readv": 310,
        "unshare": 272,
        "setns": 308,
        "bpf": 321,
        "keyctl": 250,
        "io_uring_setup": 425,
        "userfaultfd": 323,
        "perf_event_open": 298,
    },
    "aarch64": {
        "ptrace": 117,
        "process_vm_readv": 270,
        "unshare": 97,
        "setns": 268,
        "bpf": 280,
        "keyctl": 219,
        "io_uring_setup": 425,
        "userfaultfd": 282,
        "perf_event_open": 241,
    },
}.get(platform.machine(), {})
# Errors by which the kernel says that it looked at the request and would have taken a better one.
CONSIDERED = {"EFAULT", "EINVAL", "ENOENT", "ENOKEY", "EBADF"}


def _call(name, *values):
    libc = ctypes.CDLL(None, use_errno=True)
    words = [ctypes.c_long(value) for value in (*values, 0, 0, 0, 0, 0)][:5]
    if libc.syscall(ctypes.c_long(NUMBERS[name]), *words) != -1:
        return None
    code = errno.errorcode.get(ctypes.get_errno(), "unknown")
    if code in CONSIDERED:
        return f"({code})"
    raise Refused(code)


def trace():
    """Takes hold of a process of its own, as a debugger does."""
    child = subprocess.Popen(["/bin/sleep", "30"])
    try:
        return outcomes(
            [
                ("ptrace", lambda: _call("ptrace", 0x4206, child.pid)),
                ("process_vm_readv", lambda: _call("process_vm_readv", child.pid, 8, 1, 8, 1)),
            ]
        )
    finally:
        child.kill()
        child.wait()


def sockets(families):
    """Opens sockets of families that lead elsewhere than to networks and neighbours."""
    return outcomes(
        (name, lambda kind=kind: socket.socket(*kind).close()) for name, kind in families.items()
    )


def calls():
    """Asks for parts of the kernel that have a history."""
    tries = {
        "unshare": [0x10000000],
        "setns": [-1, 0],
        "bpf": [0, 0, 0],
        "keyctl": [0, -3, 0],
        "io_uring_setup": [1, 0],
        "userfaultfd": [1],
        "perf_event_open": [0, 0, -1, -1, 0],
    }
    return outcomes(
        (name, lambda name=name, values=values: _call(name, *values))
        for name, values in tries.items()
    )


KERNEL_ATTACKS = {"trace": trace, "sockets": sockets, "calls": calls}
