import fs from "node:fs";
import os from "node:os";
import process from "node:process";
import type { Aims } from "./aims.ts";
import { canaryIn, type Escape, Refused, type Way } from "./attempt.ts";
import { findInMemory, findInProc } from "./canary-search.ts";
import { outputOf, run } from "./machine.ts";

/** Throws unless the id is one of the host's: a process of its own may have the same number. */
function ofTheHost({ processMarker }: Aims, pid: number): void {
  const line = fs.readFileSync(`/proc/${pid}/cmdline`, "latin1");
  if (!line.includes(processMarker)) throw new Refused("a process of its own");
}

function signalling(aims: Aims, pid: number, signal: NodeJS.Signals): Record<string, Way> {
  return {
    "process.kill": () => {
      process.kill(pid, signal);
      ofTheHost(aims, pid);
      return `${signal} sent`;
    },
    kill: () => {
      outputOf("/bin/sh", ["-c", `kill -s ${signal.slice(3)} ${pid}`]);
      ofTheHost(aims, pid);
      return `${signal} sent`;
    },
  };
}

function ofOthers(aims: Aims): Escape[] {
  const { serverPid, victimPid } = aims;
  const changed = (pid: number, file: string, args: readonly string[]): Way => {
    return () => {
      outputOf(file, args);
      ofTheHost(aims, pid);
      return "changed";
    };
  };
  return [
    { name: "ends a process of the host", ways: signalling(aims, victimPid, "SIGTERM") },
    { name: "signals the server", ways: signalling(aims, serverPid, "SIGCONT") },
    { name: "opens the inspector of the server", ways: signalling(aims, serverPid, "SIGURG") },
    { name: "signals its parent", ways: signalling(aims, process.ppid, "SIGCONT") },
    {
      name: "signals everyone",
      ways: {
        "process.kill": () => {
          process.kill(-1, "SIGCONT");
          ofTheHost(aims, victimPid);
          return "signalled";
        },
      },
    },
    {
      name: "sees processes of the host",
      ways: {
        "node:fs": () => ofTheHost(aims, victimPid) ?? "seen",
        ps: () =>
          outputOf("/usr/bin/ps", ["-eww", "-o", "args"]).includes(aims.processMarker) && "seen",
      },
    },
    {
      name: "changes the priority of others",
      ways: {
        "os.setPriority": () => {
          os.setPriority(victimPid, 19);
          ofTheHost(aims, victimPid);
          return "changed";
        },
        renice: changed(victimPid, "/usr/bin/renice", ["-n", "19", "-p", String(victimPid)]),
        ionice: changed(victimPid, "/usr/bin/ionice", ["-c", "3", "-p", String(victimPid)]),
        taskset: changed(victimPid, "/usr/bin/taskset", ["-p", "1", String(victimPid)]),
      },
    },
    {
      name: "changes the limits of others",
      ways: {
        prlimit: changed(victimPid, "/usr/bin/prlimit", [`--pid=${victimPid}`, "--core=0"]),
      },
    },
    {
      name: "debugs a process of the host",
      ways: {
        gdb: () => {
          const args = ["-p", String(victimPid), "--batch", "-ex", "info proc"];
          const { output } = run("/usr/bin/gdb", args);
          return /^cmdline = .*/m.exec(output)?.[0];
        },
        strace: changed(victimPid, "/usr/bin/strace", ["-p", String(victimPid), "-o", "/dev/null"]),
      },
    },
  ];
}

/** What would make it more than its user. */
function ofPrivilege(aims: Aims): Escape[] {
  const isRoot = (by: () => string): Way => {
    return () => (/^(?:uid=)?0\b/.test(by().trim()) ? "became root" : undefined);
  };
  const asId = (id: "uid" | "gid", value: number): Way => {
    return () => {
      process[`set${id}`]?.(value);
      return process[`get${id}`]?.() === value && `${id} ${value}`;
    };
  };
  const id = "/usr/bin/id";
  const status = "/proc/self/status";
  const held = (text: string): string | undefined =>
    /^Cap(?:Eff|Prm|Amb):\s+(?!0{16}).+/m.exec(text)?.[0];
  return [
    {
      name: "becomes root",
      ways: {
        "process.setuid": asId("uid", 0),
        "process.setgid": asId("gid", 0),
        "process.setgroups": () => {
          process.setgroups?.([0]);
          return process.getgroups?.().includes(0) && "in root's group";
        },
        setpriv: isRoot(() => outputOf("/usr/bin/setpriv", ["--reuid=0", id, "-u"])),
        perl: isRoot(() => outputOf("/usr/bin/perl", ["-e", "$) = 0; $> = 0; print $>"])),
      },
    },
    {
      name: "becomes root by a program that is root's",
      ways: {
        su: isRoot(() => outputOf("/usr/bin/su", ["-c", `${id} -u`], "root\n")),
        sudo: isRoot(() => outputOf("/usr/bin/sudo", ["-n", id, "-u"])),
        pkexec: isRoot(() => outputOf("/usr/bin/pkexec", [id, "-u"])),
        newgrp: () => /\bgroups=0\b/.exec(outputOf("/usr/bin/sg", ["root", "-c", id]))?.[0],
      },
    },
    {
      name: "becomes the user of another instance",
      ways: { "process.setuid": asId("uid", 2_000_000_001) },
    },
    {
      name: "gains capabilities",
      ways: {
        capsh: () =>
          held(
            outputOf("/usr/sbin/capsh", ["--caps=cap_sys_admin+eip", "--", "-c", `cat ${status}`]),
          ),
        setpriv: () =>
          held(outputOf("/usr/bin/setpriv", ["--ambient-caps=+sys_admin", "/usr/bin/cat", status])),
        "/proc/self/status": () => held(fs.readFileSync(status, "utf8")),
      },
    },
    {
      name: "raises its limits",
      ways: {
        descriptors: () => {
          const more = outputOf("/bin/sh", ["-c", "ulimit -n 8192 && ulimit -n"]).trim();
          return more === "8192" && "8192 descriptors";
        },
        "core dumps": () => {
          const more = outputOf("/bin/sh", ["-c", "ulimit -c 1024 && ulimit -c"]).trim();
          return more === "1024" && "core dumps";
        },
        "real time": () => outputOf("/usr/bin/chrt", ["-f", "50", "/usr/bin/echo", "real time"]),
      },
    },
    ...ofPrograms(aims),
  ];
}

/** Programs of the machine whose work is what a sandbox forbids, and programs of its own. */
function ofPrograms(aims: Aims): Escape[] {
  const { native, foreign } = aims.programs;
  const cat = (file: string, args: readonly string[]): Way => {
    return () => canaryIn(outputOf(file, [...args, "/usr/bin/cat", aims.publicFile]));
  };
  const printing = (file: string, args: readonly string[]): Way => {
    return () => outputOf(file, [...args, "/usr/bin/echo", "did it"]);
  };
  return [
    {
      name: "makes namespaces by unshare",
      ways: {
        user: printing("/usr/bin/unshare", ["-U"]),
        "as root": printing("/usr/bin/unshare", ["-Ur"]),
        all: printing("/usr/bin/unshare", ["-Urmnpfui"]),
      },
    },
    {
      name: "enters the namespaces of others by nsenter",
      ways: {
        "the server's": cat("/usr/bin/nsenter", ["-t", String(aims.serverPid), "-a"]),
        "process 1": cat("/usr/bin/nsenter", ["-t", "1", "-m", "-n"]),
      },
    },
    {
      name: "makes a sandbox of its own",
      ways: { bwrap: printing("/usr/bin/bwrap", ["--unshare-user", "--dev-bind", "/", "/"]) },
    },
    {
      name: "mounts by mount",
      ways: {
        tmpfs: () => outputOf("/usr/bin/mount", ["-t", "tmpfs", "none", "/tmp"]) || "mounted",
        writable: () => outputOf("/usr/bin/mount", ["-o", "remount,rw", "/usr"]) || "mounted",
        unmount: () => outputOf("/usr/bin/umount", ["-l", "/tmp"]) || "unmounted",
      },
    },
    {
      name: "changes its root by chroot",
      ways: { chroot: cat("/usr/sbin/chroot", ["/proc/1/root"]) },
    },
    {
      name: "runs machine code of its own",
      ways: { "from /tmp": () => ownProgram(`${aims.scratch}-native`, native) },
    },
    {
      name: "calls the kernel as a 32-bit program",
      ways: { "from /tmp": () => ownProgram(`${aims.scratch}-foreign`, foreign) },
    },
    {
      name: "runs a program that is in no file",
      ways: {
        memfd: () => {
          const script = `my $n = "x\\0"; my $f = syscall(${process.arch === "x64" ? 319 : 279}, $n, 0); open(my $h, ">&=", $f); binmode $h; $| = 1; print $h pack("H*", "${Buffer.from(native, "base64").toString("hex")}"); close(STDERR); exec { "/proc/$$/fd/$f" } "x"; exit 99`;
          return unshared(run("/usr/bin/perl", ["-e", script]));
        },
      },
    },
  ];
}

/** Runs machine code that makes a user namespace. */
function ownProgram(path: string, base64: string): string | undefined {
  if (base64 === "") throw new Refused("no program for this processor");
  fs.writeFileSync(path, Buffer.from(base64, "base64"), { mode: 0o755 });
  return unshared(run(path, []));
}

function unshared({ status, signal }: ReturnType<typeof run>): string | undefined {
  if (status === 0) return "made a user namespace";
  throw new Refused(signal ?? `exit ${status}`);
}

/** What looks for text that is not its own. */
function ofCanaries(): Escape[] {
  return [
    {
      name: "finds the server's variables in its environment",
      ways: {
        "process.env": () => canaryIn(JSON.stringify(process.env)),
        env: () => canaryIn(outputOf("/usr/bin/env", [])),
      },
    },
    { name: "finds what is not its own anywhere in /proc", ways: { walk: findInProc } },
    {
      name: "finds what is not its own in its own memory",
      ways: { "/proc/self/mem": () => findInMemory("/proc/self") },
    },
    {
      name: "finds what is not its own in the sandbox's first process",
      ways: { "/proc/1/mem": () => findInMemory("/proc/1") },
    },
  ];
}

/** What reaches other processes, or makes it more than it is. */
export function processEscapes(aims: Aims): Escape[] {
  return [...ofCanaries(), ...ofOthers(aims), ...ofPrivilege(aims)];
}
