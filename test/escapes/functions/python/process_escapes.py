"""What reaches other processes, or makes it more than it is."""

import base64
import os
import resource
import signal

from attempt import Absent, Refused, canary_in, first_match, output_of, run
from canary_search import find_in_memory, find_in_proc

ID = "/usr/bin/id"
STATUS = "/proc/self/status"


def of_the_host(aims, pid):
    """Raises unless the id is one of the host's: a process of its own may have the same number."""
    with open(f"/proc/{pid}/cmdline", encoding="latin1") as line:
        if aims["processMarker"] not in line.read():
            raise Refused("a process of its own")


def changed(aims, pid, work, *arguments):
    def way():
        work(*arguments)
        of_the_host(aims, pid)
        return "changed"

    return way


def signalling(aims, pid, number):
    name = signal.Signals(number).name[3:]
    return {
        "os.kill": changed(aims, pid, os.kill, pid, number),
        "kill": changed(aims, pid, output_of, "/bin/sh", "-c", f"kill -s {name} {pid}"),
    }


def seen(aims):
    of_the_host(aims, aims["victimPid"])
    return "seen"


def of_others(aims):
    server, victim = aims["serverPid"], aims["victimPid"]
    yield "ends a process of the host", signalling(aims, victim, signal.SIGTERM)
    yield "signals the server", signalling(aims, server, signal.SIGCONT)
    yield "opens the inspector of the server", signalling(aims, server, signal.SIGURG)
    yield "signals its parent", signalling(aims, os.getppid(), signal.SIGCONT)
    yield "signals everyone", {"os.kill": changed(aims, victim, os.kill, -1, signal.SIGCONT)}
    yield "sees processes of the host", {
        "open": lambda: seen(aims),
        "ps": lambda: "seen" if aims["processMarker"] in output_of("/usr/bin/ps", "-eww", "-o", "args") else None,
    }
    yield "changes the priority of others", {
        "os.setpriority": changed(aims, victim, os.setpriority, os.PRIO_PROCESS, victim, 19),
        "renice": changed(aims, victim, output_of, "/usr/bin/renice", "-n", "19", "-p", str(victim)),
        "ionice": changed(aims, victim, output_of, "/usr/bin/ionice", "-c", "3", "-p", str(victim)),
        "taskset": changed(aims, victim, os.sched_setaffinity, victim, [0]),
    }
    yield "changes the limits of others", {
        "prlimit": changed(aims, victim, resource.prlimit, victim, resource.RLIMIT_CORE, (0, 0)),
    }
    gdb = ["/usr/bin/gdb", "-p", str(victim), "--batch", "-ex", "info proc"]
    yield "debugs a process of the host", {
        "gdb": lambda: first_match("^cmdline = .*", run(gdb).stdout),
        "strace": changed(aims, victim, output_of, "/usr/bin/strace", "-p", str(victim), "-o", "/dev/null"),
    }


def became(kind, value):
    def way():
        getattr(os, f"set{kind}")(value)
        return f"{kind} {value}" if getattr(os, f"get{kind}")() == value else None

    return way


def root_group():
    os.setgroups([0])
    return "in root's group" if 0 in os.getgroups() else None


def is_root(*arguments, text=""):
    return lambda: first_match(r"^(?:uid=)?0\b", output_of(*arguments, text=text).strip())


def held(text):
    return first_match(r"^Cap(?:Eff|Prm|Amb):\s+(?!0{16}).+", text)


def raised(kind, name):
    def way():
        limit = resource.getrlimit(kind)[1]
        if limit == resource.RLIM_INFINITY:
            return f"{name} without a limit"
        resource.setrlimit(kind, (limit + 1024, limit + 1024))
        return f"more {name}"

    def safely():
        try:
            return way()
        except ValueError as error:
            raise Refused(str(error)) from error

    return safely


def real_time():
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
    return "real time"


def of_privilege():
    yield "becomes root", {
        "os.setuid": became("uid", 0),
        "os.setgid": became("gid", 0),
        "os.setgroups": root_group,
        "setpriv": is_root("/usr/bin/setpriv", "--reuid=0", ID, "-u"),
        "perl": is_root("/usr/bin/perl", "-e", "$) = 0; $> = 0; print $>"),
    }
    yield "becomes root by a program that is root's", {
        "su": is_root("/usr/bin/su", "-c", f"{ID} -u", text="root\n"),
        "sudo": is_root("/usr/bin/sudo", "-n", ID, "-u"),
        "pkexec": is_root("/usr/bin/pkexec", ID, "-u"),
        "newgrp": lambda: first_match(r"\bgroups=0\b", output_of("/usr/bin/sg", "root", "-c", ID)),
    }
    yield "becomes the user of another instance", {"os.setuid": became("uid", 2_000_000_001)}
    yield "gains capabilities", {
        "capsh": lambda: held(output_of("/usr/sbin/capsh", "--caps=cap_sys_admin+eip", "--", "-c", f"cat {STATUS}")),
        "setpriv": lambda: held(output_of("/usr/bin/setpriv", "--ambient-caps=+sys_admin", "/usr/bin/cat", STATUS)),
        STATUS: lambda: held(open(STATUS, encoding="utf8").read()),
    }
    yield "raises its limits", {
        "descriptors": raised(resource.RLIMIT_NOFILE, "descriptors"),
        "core dumps": raised(resource.RLIMIT_CORE, "core dumps"),
        "real time": real_time,
    }


def unshared(ran):
    if ran.returncode == 0:
        return "made a user namespace"
    raise Refused(f"exit {ran.returncode}")


def own_program(path, code):
    if code == "":
        raise Absent("no program for this processor")
    with open(path, "wb") as file:
        file.write(base64.b64decode(code))
    os.chmod(path, 0o755)
    return unshared(run([path]))


def in_no_file(code):
    descriptor = os.memfd_create("escape", 0)
    os.write(descriptor, base64.b64decode(code))
    return unshared(run([f"/proc/{os.getpid()}/fd/{descriptor}"]))


def of_programs(aims):
    public, programs = aims["publicFile"], aims["programs"]

    def cat(*arguments):
        return lambda: canary_in(output_of(*arguments, "/usr/bin/cat", public))

    def printing(*arguments):
        return lambda: output_of(*arguments, "/usr/bin/echo", "did it")

    def mounts(*arguments):
        return lambda: output_of(*arguments) or "done"

    yield "makes namespaces by unshare", {
        "user": printing("/usr/bin/unshare", "-U"),
        "as root": printing("/usr/bin/unshare", "-Ur"),
        "all": printing("/usr/bin/unshare", "-Urmnpfui"),
    }
    yield "enters the namespaces of others by nsenter", {
        "the server's": cat("/usr/bin/nsenter", "-t", str(aims["serverPid"]), "-a"),
        "process 1": cat("/usr/bin/nsenter", "-t", "1", "-m", "-n"),
    }
    yield "makes a sandbox of its own", {
        "bwrap": printing("/usr/bin/bwrap", "--unshare-user", "--dev-bind", "/", "/"),
    }
    yield "mounts by mount", {
        "tmpfs": mounts("/usr/bin/mount", "-t", "tmpfs", "none", "/tmp"),
        "writable": mounts("/usr/bin/mount", "-o", "remount,rw", "/usr"),
        "unmount": mounts("/usr/bin/umount", "-l", "/tmp"),
    }
    yield "changes its root by chroot", {"chroot": cat("/usr/sbin/chroot", "/proc/1/root")}
    yield "runs machine code of its own", {
        "from /tmp": lambda: own_program(f"{aims['scratch']}-native", programs["native"]),
    }
    yield "calls the kernel as a 32-bit program", {
        "from /tmp": lambda: own_program(f"{aims['scratch']}-foreign", programs["foreign"]),
    }
    yield "runs a program that is in no file", {"memfd": lambda: in_no_file(programs["native"])}


def process_escapes(aims):
    yield "finds the server's variables in its environment", {
        "os.environ": lambda: canary_in(str(dict(os.environ))),
        "env": lambda: canary_in(output_of("/usr/bin/env")),
    }
    yield "finds what is not its own anywhere in /proc", {"walk": find_in_proc}
    yield "finds what is not its own in its own memory", {"/proc/self/mem": lambda: find_in_memory("/proc/self")}
    yield "finds what is not its own in the sandbox's first process", {"/proc/1/mem": lambda: find_in_memory("/proc/1")}
    yield from of_others(aims)
    yield from of_privilege()
    yield from of_programs(aims)
