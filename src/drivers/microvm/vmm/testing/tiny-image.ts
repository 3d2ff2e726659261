import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { MachineImage } from "../machine.ts";

/** Where a kernel that was fetched once stays, with its modules; the same for every run on a machine. */
const cacheDir = join(tmpdir(), "reactor-test-vmm-kernel");
const mayFetch = process.env["CI"] === "true" && process.getuid?.() === 0;
/** In the order in which they need each other. */
const modules = [
  "virtio_ring",
  "virtio",
  "virtio_mmio",
  "virtio_blk",
  "virtio_console",
  "rng-core",
  "virtio-rng",
  "virtio_balloon",
];

/** Why no machine can be booted here; undefined when one can. */
export const tinyImageMissing: string | undefined = whatIsMissing();

function whatIsMissing(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return "boots an x86-64 machine";
  const tools = ["qemu-system-x86_64", "busybox", "bwrap", "apt-get", "dpkg"];
  const missing = tools.filter((tool) => Bun.which(tool) === null);
  if (missing.length > 0) {
    return `needs ${missing.join(", ")}: apt-get install qemu-system-x86 busybox-static bubblewrap`;
  }
  if (mayFetch || existsSync(cacheDir)) return undefined;
  return `needs a kernel in ${cacheDir}, which CI=true as root unpacks from Debian's packages`;
}

/**
 * A machine that holds busybox alone. It says `hello 1` on its control port and answers each line
 * there: what the rest of the line prints as a shell command, in base64. What comes in by the wire
 * goes out by it.
 */
export function tinyImage(folder: string): MachineImage {
  if (!existsSync(cacheDir)) fetchKernel();
  const root = join(folder, "root");
  for (const dir of ["bin", "dev", "modules", "proc", "sys", "tmp"]) {
    mkdirSync(join(root, dir), { recursive: true });
  }
  copyFileSync(Bun.which("busybox") ?? "", join(root, "bin/busybox"));
  const found = modules.filter((name) => existsSync(join(cacheDir, `${name}.ko`)));
  for (const name of found) {
    copyFileSync(join(cacheDir, `${name}.ko`), join(root, "modules", `${name}.ko`));
  }
  writeFileSync(join(root, "init"), initScript(found), { mode: 0o755 });
  const initramfsPath = join(folder, "initramfs");
  const line = `find . | busybox cpio -o -H newc > "$0"`;
  run(root, ["/bin/sh", "-c", line, initramfsPath]);
  chmodSync(initramfsPath, 0o644);
  const kernelPath = join(cacheDir, "vmlinuz");
  const id = createHash("sha256").update(readFileSync(initramfsPath)).digest("hex");
  return { id, kernelPath, initramfsPath, kernelArgs: "console=ttyS0 quiet panic=-1" };
}

function initScript(found: readonly string[]): string {
  return `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs -o size=90% tmp /tmp
for name in ${found.join(" ")}; do insmod /modules/$name.ko; done
# By default the kernel tells of free memory in pieces of 2 MB, once 64 MB are free.
echo 5 > /sys/module/page_reporting/parameters/page_reporting_order
until [ $(cat /sys/class/virtio-ports/*/name 2> /dev/null | wc -l) -ge 4 ]; do usleep 10000; done
for port in /sys/class/virtio-ports/*; do ln -s /dev/$(basename $port) /dev/$(cat $port/name); done
(exec 4<> /dev/reactor.wire; cat <&4 >&4) &
exec 3<> /dev/reactor.control
echo "hello 1" >&3
while :; do
  read -r line <&3 && echo "ok $(sh -c "$line" 2>&1 | base64 | tr -d '\\n')" >&3
done
`;
}

function fetchKernel(): void {
  const folder = mkdtempSync(`${cacheDir}-`);
  try {
    const depends = run(folder, ["apt-cache", "depends", "linux-image-cloud-amd64"]);
    const [, name] = /Depends: (linux-image-\S+)/.exec(depends) ?? [];
    if (name === undefined) throw new Error(`Cannot find Debian's kernel in:\n${depends}`);
    run(folder, ["apt-get", "download", "-qq", name]);
    const file = readdirSync(folder).find((entry) => entry.endsWith(".deb"));
    if (file === undefined) throw new Error(`Cannot find the package of ${name}`);
    run(folder, ["dpkg", "-x", file, "unpacked"]);
    const made = join(folder, "made");
    mkdirSync(made);
    const paths = run(folder, ["find", "unpacked", "-name", "vmlinuz*", "-o", "-name", "*.ko"]);
    for (const path of paths.trim().split("\n")) {
      const to = basename(path).startsWith("vmlinuz") ? "vmlinuz" : basename(path);
      if (to === "vmlinuz" || modules.includes(basename(to, ".ko"))) {
        copyFileSync(join(folder, path), join(made, to));
      }
    }
    chmodSync(join(made, "vmlinuz"), 0o644);
    renameSync(made, cacheDir);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function run(cwd: string, command: readonly string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { cwd });
  if (exitCode === 0) return stdout.toString();
  throw new Error(`${command.join(" ")} ended with ${exitCode}: ${stderr.toString()}`);
}
