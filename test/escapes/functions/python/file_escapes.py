"""What reads or changes files that are not its own."""

import os

from attempt import Refused, canary_in, first_match, output_of

SOCKET_FOLDER = "/run/reactor"
DISKS = ["sda", "vda", "xvda", "nvme0n1", "dm-0", "loop0"]
DEVICES = ["kvm", "fuse", "net/tun", "vhost-vsock", "vsock", "loop-control", "uinput", "tty0"]


def read_start(path, length=65536):
    """Devices never end, so only the beginning is read; without O_NONBLOCK opening some waits."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return os.read(descriptor, length).decode("latin1")
    finally:
        os.close(descriptor)


def reads(name, paths, evidence=canary_in):
    ways = {}
    for path in paths:
        ways[f"os.open {path}"] = lambda path=path: evidence(read_start(path))
        ways[f"cat {path}"] = lambda path=path: evidence(output_of("/usr/bin/head", "-c", "65536", path))
    return name, ways


def append(path, text):
    with open(path, "a", encoding="utf8") as file:
        file.write(text)
    return f"wrote {path}"


def overwrite(path, text):
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
    return f"wrote {path}"


def writes(name, paths, text="x"):
    ways = {}
    for path in paths:
        ways[f"open {path}"] = lambda path=path: append(path, text)
        ways[f"os.open {path}"] = lambda path=path: overwrite(path, text)
        ways[f"tee {path}"] = lambda path=path: output_of("/usr/bin/tee", "-a", path, text=text) and f"wrote {path}"
    return name, ways


def did(work, *arguments):
    """Evidence is that it raised nothing."""
    return lambda: (work(*arguments), f"{work.__name__} done")[1]


def holds(pattern):
    return lambda text: first_match(pattern, text)


def entry(folder, name):
    return lambda: name if name in os.listdir(folder) else None


def opened(path):
    os.close(os.open(path, os.O_RDWR))
    return f"opened {path}"


def numbers(folder):
    found = [name for name in os.listdir(folder) if name.isdigit()]
    if not found:
        raise Refused(f"{folder} is empty")
    return found


def first_read(paths):
    for path in paths:
        try:
            found = canary_in(read_start(path))
        except OSError:
            continue
        if found:
            return f"{found} in {path}"
    return None


def inherited(aims):
    for number in numbers("/proc/self/fd"):
        try:
            link = os.readlink(f"/proc/self/fd/{number}")
        except OSError:
            continue  # The descriptor by which the folder was read.
        if link.startswith(aims["dataFolder"]) or "seccomp" in link:
            return link
    return None


def by_link(aims, target, read):
    link = f"{aims['scratch']}-link"

    def way():
        if os.path.lexists(link):
            os.remove(link)
        os.symlink(target, link)
        return canary_in(read_start(link + read))

    return way


def by_process(aims):
    server, public = f"/proc/{aims['serverPid']}", aims["publicFile"]
    yield reads("reads through the root of process 1", [f"/proc/1/root{public}"])
    yield reads("reads through the root of the server", [f"{server}/root{public}"])
    yield reads(
        "reads through the working folder of the server", [f"{server}/cwd/package.json"], holds('"name": "reactor"')
    )
    yield "reads through the root of any process", {
        "os": lambda: first_read(
            path
            for pid in numbers("/proc")
            for path in (f"/proc/{pid}/root{public}", f"/proc/{pid}/cwd/..{public}")
        )
    }
    yield "reads through descriptors of the server", {
        "os": lambda: first_read([f"{server}/fd/{name}" for name in numbers(f"{server}/fd")]),
        "ls": lambda: first_match(r"\.db|socket:|pipe:", output_of("/usr/bin/ls", "-l", f"{server}/fd")),
    }
    yield "finds a descriptor of the server that it inherited", {"os": lambda: inherited(aims)}


def by_tricks(aims):
    dots, public, scratch = "../" * 24, aims["publicFile"], aims["scratch"]
    folders = ("/tmp", SOCKET_FOLDER, "/proc/self/cwd", "/proc/self/root")
    yield reads("climbs out of its folders by dots", [f"{folder}/{dots}{public}" for folder in folders])
    yield "reads by a symbolic link", {
        "to a file": by_link(aims, public, ""),
        "to a root": by_link(aims, "/proc/1/root", public),
    }
    yield "takes a file of the host by a hard link", {
        "a public file": did(os.link, public, f"{scratch}-hard"),
        "a program": did(os.link, "/usr/bin/su", f"{scratch}-su"),
        "ln": did(output_of, "/usr/bin/ln", public, f"{scratch}-ln"),
    }
    yield "moves a file of the host", {"rename": did(os.rename, aims["openFile"], f"{scratch}-moved")}
    yield "makes a device and reads it", {
        "a disk": did(os.mknod, f"{scratch}-disk", 0o60666, os.makedev(8, 0)),
        "memory": did(os.mknod, f"{scratch}-mem", 0o20666, os.makedev(1, 1)),
    }


def of_the_machine():
    yield reads("reads a disk", [f"/dev/{name}" for name in DISKS], holds(r"[^\0]"))
    yield reads("reads the kernel's memory", ["/dev/mem", "/dev/kmem", "/proc/kcore"], holds(r"[^\0]"))
    yield reads("reads the kernel's log", ["/dev/kmsg", "/proc/kmsg"], holds(r"[^\0]"))
    yield reads("learns addresses of the kernel", ["/proc/kallsyms"], holds(r"^(?!0{16})[0-9a-f]{16} .*"))
    yield "opens a device of the machine", {name: lambda name=name: opened(f"/dev/{name}") for name in DEVICES}
    yield "sees the machine in /sys", {
        "os": lambda: ",".join(os.listdir("/sys")),
        "ls": lambda: output_of("/usr/bin/ls", "/sys"),
    }


def reading_escapes(aims):
    run_folder = aims["runFolder"]
    yield reads("reads the data folder", aims["dataFiles"], holds(r"reactor-canary-data-\w+|rk_|SQLite"))
    yield reads("reads the accounts of the machine", ["/etc/passwd", "/etc/shadow"], holds(r"root:\S+"))
    yield reads("reads a public file of the host", [aims["publicFile"]])
    yield reads("reads the host's shared memory", [aims["sharedMemoryFile"]])
    yield reads("reads the temporary files of another function", [aims["neighbour"]["file"]])
    yield reads("reads the sources of the server", [aims["serverSource"]], holds("import .+ from .+"))
    yield "sees the host's temporary folder", {"os": entry("/tmp", aims["temporaryName"])}
    yield "sees the run folder of the server", {
        "os": lambda: ",".join(os.listdir(run_folder)),
        "by its parent": entry(os.path.dirname(run_folder), os.path.basename(run_folder)),
    }
    yield "sees the home of the machine's owner", {
        path: lambda path=path: ",".join(os.listdir(path)) or "empty" for path in ("/root", "/home", "/var")
    }
    yield from by_process(aims)
    yield from by_tricks(aims)
    yield from of_the_machine()


def writing_escapes(aims):
    server = f"/proc/{aims['serverPid']}"
    yield writes("writes a file of the host", [aims["openFile"]], "escaped\n")
    yield writes("writes below /usr", ["/usr/escape", "/usr/bin/env", os.__file__])
    yield writes("writes to the root folder", ["/escape", "/etc/escape", "/run/escape"])
    yield writes("writes to /dev", ["/dev/escape", "/dev/pts/escape"])
    yield writes("changes the runtime", ["/runtime/bin", "/runtime/guest.pyz", "/runtime/escape"])
    yield writes("changes the program that runs", ["/proc/self/exe"])
    yield writes("writes to the folder of its socket", [f"{SOCKET_FOLDER}/escape"])
    yield "replaces the folder of its socket by a link", {
        "rename": did(os.rename, SOCKET_FOLDER, "/run/old"),
        "remove": did(os.rmdir, SOCKET_FOLDER),
    }
    yield "changes the mode or owner of the runtime", {
        "mode": did(os.chmod, "/runtime/bin", 0o4777),
        "owner": did(os.chown, "/runtime/bin", 65534, 65534),
        "times": did(os.utime, "/usr/bin/env", (1, 1)),
    }
    yield writes("names a program for core dumps", ["/proc/sys/kernel/core_pattern"], "|/tmp/escape")
    yield writes("names a program for modules", ["/proc/sys/kernel/modprobe"], "/tmp/escape")
    settings = ("kernel/hostname", "net/ipv4/ip_forward", "vm/overcommit_memory", "user/max_user_namespaces")
    yield writes("changes a setting of the kernel", [f"/proc/sys/{name}" for name in settings])
    yield writes("asks the kernel for a restart", ["/proc/sysrq-trigger"], "h")
    cgroup = ("cgroup.procs", "memory/tasks", "memory.max")
    yield writes("changes its cgroup", [f"/sys/fs/cgroup/{name}" for name in cgroup])
    yield writes("maps itself to the machine's first user", ["/proc/self/uid_map"], "0 0 1")
    yield writes("lets itself be spared when memory is short", ["/proc/self/oom_score_adj"], "-1000")
    yield writes("marks the server for the end when memory is short", [f"{server}/oom_score_adj"], "1000")
    yield writes("writes the memory of the server", [f"{server}/mem"])
