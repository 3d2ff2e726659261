import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";

/** The checkout. */
const source = join(import.meta.dirname, "../..");
/** What the drivers and their tests need of the installed packages, with what these bring. */
// biome-ignore format: one line
const packages = [
  "esbuild", "@esbuild", "es-module-lexer", "fflate", "modern-tar", "zod", "fast-check", "pure-rand",
];
/** Programs of this machine that go into the other one. */
const programs = ["busybox", "bwrap"];

/** What the machine runs once it is up. */
export interface MachineTask {
  /** Shell lines, run as root before `command`. */
  readonly setUp: readonly string[];
  /** A shell command in the copy of the sources; its exit code ends the machine. */
  readonly command: string;
}

/** Printed by the machine before the command's exit code. */
export const exitMark = "machine-exit";

/**
 * Writes a machine's whole root into one initramfs at `archive`: busybox, Bun, the sandbox's tools
 * and this checkout's sources. It runs in memory, without a disk or a driver module.
 */
export function writeRootImage(folder: string, archive: string, task: MachineTask): void {
  const root = join(folder, "root");
  for (const dir of [
    "usr/bin",
    "usr/lib",
    "usr/lib64",
    "etc",
    "proc",
    "sys",
    "dev",
    "tmp",
    "run",
  ]) {
    mkdirSync(join(root, dir), { recursive: true });
  }
  // As on Debian: everything is below /usr, which is what the sandbox shows.
  for (const name of ["bin", "lib", "lib64"]) symlinkSync(`usr/${name}`, join(root, name));
  copyProgram(root, process.execPath, "bun");
  for (const program of programs) copyProgram(root, which(program), program);
  for (const entry of ["package.json", "tsconfig.json", "bin", "sdk", "src"]) {
    cpSync(join(source, entry), join(root, "app", entry), { recursive: true });
  }
  for (const name of packages) {
    const from = realpathSync(join(source, "node_modules", name));
    cpSync(from, join(root, "app/node_modules", name), { recursive: true });
  }
  writeFileSync(join(root, "init"), initScript(), { mode: 0o755 });
  writeFileSync(join(root, "main"), mainScript(task), { mode: 0o755 });
  pack(root, archive);
}

/**
 * The archive's own root cannot be pivoted away from, which bubblewrap must, so everything moves into
 * a file system in memory first.
 */
function initScript(): string {
  return `#!/usr/bin/busybox sh
/usr/bin/busybox --install -s /usr/bin
export PATH=/usr/bin
mkdir /new
mount -t tmpfs -o size=90% root /new
cp -a /app /bin /dev /etc /lib /lib64 /main /proc /run /sys /tmp /usr /new
exec switch_root /new /main
`;
}

function mainScript({ setUp, command }: MachineTask): string {
  return `#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm
mount -t tmpfs shm /dev/shm
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
ip link set lo up
chmod 755 / && chmod 1777 /tmp /dev/shm
export PATH=/usr/bin HOME=/tmp NO_COLOR=1
cd /app
${setUp.join("\n")}
${command}
echo "${exitMark} $?"
poweroff -f
`;
}

function copyProgram(root: string, from: string, name: string): void {
  const to = join(root, "usr/bin", name);
  copyFileSync(realpathSync(from), to);
  chmodSync(to, 0o755);
  const { stdout } = Bun.spawnSync(["ldd", from]);
  for (const [library] of stdout.toString().matchAll(/\/\S+\.so\S*/g)) {
    const path = join(root, "usr", library.replace(/^\/usr/, ""));
    mkdirSync(dirname(path), { recursive: true });
    copyFileSync(library, path);
  }
}

function pack(root: string, archive: string): void {
  const line = `find . | busybox cpio -o -H newc > "$0"`;
  const { exitCode, stderr } = Bun.spawnSync(["/bin/sh", "-c", line, archive], { cwd: root });
  if (exitCode !== 0) throw new Error(`Cannot pack the machine's root: ${stderr.toString()}`);
}

function which(program: string): string {
  const path = Bun.which(program);
  if (path === null) throw new Error(`Cannot find ${program}`);
  return path;
}
