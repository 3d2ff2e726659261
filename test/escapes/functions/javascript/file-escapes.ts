import fs from "node:fs";
import { basename, dirname } from "node:path";
import type { Aims } from "./aims.ts";
import { canaryIn, type Escape, Refused, type Way } from "./attempt.ts";
import { outputOf, readers, readStart, writers } from "./machine.ts";

/** Evidence that the text holds what the pattern says. */
function holds(pattern: RegExp): (text: string) => string | undefined {
  return (text) => pattern.exec(text)?.[0];
}

/** Reads each path in every way; it got something real when `evidence` finds it in the text. */
function reads(
  name: string,
  paths: readonly string[],
  evidence: (text: string) => string | undefined = canaryIn,
): Escape {
  const ways: [string, Way][] = Object.entries(readers()).flatMap(([by, read]) =>
    paths.map((path): [string, Way] => [
      `${by} ${path}`,
      async () => evidence(String(await read(path))),
    ]),
  );
  return { name, ways: Object.fromEntries(ways) };
}

/** Writes to each path in every way; whatever is written without an error was really written. */
function writes(name: string, paths: readonly string[], text = "x"): Escape {
  const ways: [string, Way][] = Object.entries(writers()).flatMap(([by, write]) =>
    paths.map((path): [string, Way] => [
      `${by} ${path}`,
      async () => {
        await write(path, text);
        return `wrote ${path}`;
      },
    ]),
  );
  return { name, ways: Object.fromEntries(ways) };
}

/** Runs work that throws unless it did what the evidence says. */
const did = (work: () => unknown, evidence: string): Way => {
  return async () => {
    await work();
    return evidence;
  };
};

function names(folder: string, name: string): Way {
  return () => fs.readdirSync(folder).find((entry) => entry === name);
}

/** Every way in that leads by a process of the host: its root, its folder, its descriptors. */
function byProcess(aims: Aims): Escape[] {
  const server = `/proc/${aims.serverPid}`;
  const entries = (folder: string): string[] => {
    const found = fs.readdirSync(folder).filter((name) => /^\d+$/.test(name));
    if (found.length === 0) throw new Refused(`${folder} is empty`);
    return found;
  };
  const firstRead = (paths: readonly string[]): string | undefined => {
    for (const path of paths) {
      try {
        const found = canaryIn(readStart(path));
        if (found !== undefined) return `${found} in ${path}`;
      } catch (error) {
        if (!(error instanceof Error && "code" in error)) throw error;
      }
    }
    return undefined;
  };
  return [
    reads("reads through the root of process 1", [`/proc/1/root${aims.publicFile}`]),
    reads("reads through the root of the server", [`${server}/root${aims.publicFile}`]),
    reads(
      "reads through the working folder of the server",
      [`${server}/cwd/package.json`],
      holds(/"name": "reactor"/),
    ),
    {
      name: "reads through the root of any process",
      ways: {
        "node:fs": () =>
          firstRead(
            entries("/proc").flatMap((pid) => [
              `/proc/${pid}/root${aims.publicFile}`,
              `/proc/${pid}/cwd/..${aims.publicFile}`,
            ]),
          ),
      },
    },
    {
      name: "reads through descriptors of the server",
      ways: {
        "node:fs": () => firstRead(entries(`${server}/fd`).map((fd) => `${server}/fd/${fd}`)),
        ls: () => holds(/\.db|socket:|pipe:/)(outputOf("/usr/bin/ls", ["-l", `${server}/fd`])),
      },
    },
    {
      name: "finds a descriptor of the server that it inherited",
      ways: {
        "node:fs": () => {
          const links = entries("/proc/self/fd").flatMap((fd) => {
            try {
              return fs.readlinkSync(`/proc/self/fd/${fd}`);
            } catch {
              // The descriptor by which the folder was read is closed by now.
              return [];
            }
          });
          return links.find((link) => link.startsWith(aims.dataFolder) || link.includes("seccomp"));
        },
      },
    },
  ];
}

function byTricks(aims: Aims): Escape[] {
  const dots = "../".repeat(24);
  const link = `${aims.scratch}-link`;
  const viaLink =
    (target: string, read: () => string): Way =>
    () => {
      fs.rmSync(link, { force: true });
      fs.symlinkSync(target, link);
      return canaryIn(read());
    };
  return [
    reads("climbs out of its folders by dots", [
      `/tmp/${dots}${aims.publicFile}`,
      `/run/reactor/${dots}${aims.publicFile}`,
      `/proc/self/cwd/${dots}${aims.publicFile}`,
      `/proc/self/root/${dots}${aims.publicFile}`,
    ]),
    {
      name: "reads by a symbolic link",
      ways: {
        "to a file": viaLink(aims.publicFile, () => readStart(link)),
        "to a root": viaLink("/proc/1/root", () => readStart(`${link}${aims.publicFile}`)),
      },
    },
    {
      name: "takes a file of the host by a hard link",
      ways: {
        "a public file": did(() => fs.linkSync(aims.publicFile, `${aims.scratch}-hard`), "linked"),
        "a program": did(() => fs.linkSync("/usr/bin/su", `${aims.scratch}-su`), "linked"),
        ln: did(() => outputOf("/usr/bin/ln", [aims.publicFile, `${aims.scratch}-ln`]), "linked"),
      },
    },
    {
      name: "moves a file of the host",
      ways: { rename: did(() => fs.renameSync(aims.openFile, `${aims.scratch}-moved`), "moved") },
    },
    {
      name: "makes a device and reads it",
      ways: {
        "a disk": did(
          () => outputOf("/usr/bin/mknod", [`${aims.scratch}-disk`, "b", "8", "0"]),
          "made",
        ),
        memory: did(
          () => outputOf("/usr/bin/mknod", [`${aims.scratch}-mem`, "c", "1", "1"]),
          "made",
        ),
      },
    },
  ];
}

const disks = ["sda", "vda", "xvda", "nvme0n1", "dm-0", "loop0"].map((name) => `/dev/${name}`);
const devices = [
  "kvm",
  "fuse",
  "net/tun",
  "vhost-vsock",
  "vsock",
  "loop-control",
  "uinput",
  "tty0",
];

function ofTheMachine(): Escape[] {
  const anything = holds(/[^\0]/);
  return [
    reads("reads a disk", disks, anything),
    reads("reads the kernel's memory", ["/dev/mem", "/dev/kmem", "/proc/kcore"], anything),
    reads("reads the kernel's log", ["/dev/kmsg", "/proc/kmsg"], anything),
    reads(
      "learns addresses of the kernel",
      ["/proc/kallsyms"],
      holds(/^(?!0{16})[0-9a-f]{16} .*/m),
    ),
    {
      name: "opens a device of the machine",
      ways: Object.fromEntries(
        devices.map((name) => [
          name,
          did(() => fs.closeSync(fs.openSync(`/dev/${name}`, "r+")), `opened ${name}`),
        ]),
      ),
    },
    {
      name: "sees the machine in /sys",
      ways: {
        "node:fs": () => fs.readdirSync("/sys").join(),
        ls: () => outputOf("/usr/bin/ls", ["/sys"]),
      },
    },
  ];
}

/** What reads files that are not its own. */
export function readingEscapes(aims: Aims): Escape[] {
  return [
    reads("reads the data folder", aims.dataFiles, holds(/reactor-canary-data-\w+|rk_|SQLite/)),
    reads("reads the accounts of the machine", ["/etc/passwd", "/etc/shadow"], holds(/root:\S+/)),
    reads("reads a public file of the host", [aims.publicFile]),
    reads("reads the host's shared memory", [aims.sharedMemoryFile]),
    reads("reads the temporary files of another function", [aims.neighbour.file]),
    reads("reads the sources of the server", [aims.serverSource], holds(/import .+ from .+/)),
    {
      name: "sees the host's temporary folder",
      ways: { "node:fs": names("/tmp", aims.temporaryName) },
    },
    {
      name: "sees the run folder of the server",
      ways: {
        "node:fs": () => fs.readdirSync(aims.runFolder).join(),
        "by its parent": names(dirname(aims.runFolder), basename(aims.runFolder)),
      },
    },
    {
      name: "sees the home of the machine's owner",
      ways: Object.fromEntries(
        ["/root", "/home", "/var"].map((path) => [
          path,
          () => fs.readdirSync(path).join() || "empty",
        ]),
      ),
    },
    ...byProcess(aims),
    ...byTricks(aims),
    ...ofTheMachine(),
  ];
}

/** What changes files that are not its own. */
export function writingEscapes(aims: Aims): Escape[] {
  const socketFolder = "/run/reactor";
  return [
    writes("writes a file of the host", [aims.openFile], "escaped\n"),
    writes("writes below /usr", ["/usr/escape", "/usr/bin/env", "/usr/local/escape"]),
    writes("writes to the root folder", ["/escape", "/etc/escape", "/run/escape"]),
    writes("writes to /dev", ["/dev/escape", "/dev/pts/escape"]),
    writes("changes the runtime", ["/runtime/bin", "/runtime/guest.js", "/runtime/escape"]),
    writes("changes the program that runs", ["/proc/self/exe"]),
    writes("writes to the folder of its socket", [`${socketFolder}/escape`]),
    {
      name: "replaces the folder of its socket by a link",
      ways: {
        rename: did(() => fs.renameSync(socketFolder, "/run/old"), "renamed"),
        remove: did(() => fs.rmdirSync(socketFolder), "removed"),
      },
    },
    {
      name: "changes the mode or owner of the runtime",
      ways: {
        mode: did(() => fs.chmodSync("/runtime/bin", 0o4777), "changed"),
        owner: did(() => fs.chownSync("/runtime/bin", 65534, 65534), "changed"),
        times: did(() => fs.utimesSync("/usr/bin/env", 1, 1), "changed"),
      },
    },
    writes("names a program for core dumps", ["/proc/sys/kernel/core_pattern"], "|/tmp/escape"),
    writes("names a program for modules", ["/proc/sys/kernel/modprobe"], "/tmp/escape"),
    writes("changes a setting of the kernel", [
      "/proc/sys/kernel/hostname",
      "/proc/sys/net/ipv4/ip_forward",
      "/proc/sys/vm/overcommit_memory",
      "/proc/sys/user/max_user_namespaces",
    ]),
    writes("asks the kernel for a restart", ["/proc/sysrq-trigger"], "h"),
    writes("changes its cgroup", [
      "/sys/fs/cgroup/cgroup.procs",
      "/sys/fs/cgroup/memory/tasks",
      "/sys/fs/cgroup/memory.max",
    ]),
    writes("maps itself to the machine's first user", ["/proc/self/uid_map"], "0 0 1"),
    writes("lets itself be spared when memory is short", ["/proc/self/oom_score_adj"], "-1000"),
    writes(
      "marks the server for the end when memory is short",
      [`/proc/${aims.serverPid}/oom_score_adj`],
      "1000",
    ),
    writes("writes the memory of the server", [`/proc/${aims.serverPid}/mem`]),
  ];
}
