import { readFile } from "node:fs/promises";
import { type CpioEntry, cpioModes, packCpio } from "./cpio-archive.ts";
import type { Kernel } from "./find-kernel.ts";
import { kernelModules } from "./kernel-modules.ts";

/** What a machine's devices and its root need. */
const modules = [
  "virtio_mmio",
  "virtio_blk",
  "virtio_console",
  "virtio_rng",
  "virtio_balloon",
  "vmw_vsock_virtio_transport",
  "ext4",
];

/** The agent's place in the root of an image. */
export const agentFolder = "/usr/lib/reactor-agent";

/**
 * Loads the modules, mounts the root and gives the machine to the agent. What fails is written to the
 * console, and the machine ends.
 */
const init = `#!/bin/busybox sh
fail() {
  echo "init: $1"
  /bin/busybox poweroff -f
}
/bin/busybox mount -t devtmpfs dev /dev || fail "no devices"
for module in /modules/*; do
  /bin/busybox insmod "$module" || fail "no module $module"
done
tries=0
until [ -b /dev/vda ]; do
  tries=$((tries + 1))
  [ "$tries" -lt 1000 ] || fail "no disk"
  /bin/busybox usleep 5000
done
/bin/busybox mount -t ext4 -o ro,nosuid,nodev /dev/vda /root || fail "no root"
/bin/busybox mount -t devtmpfs -o nosuid,noexec dev /root/dev || fail "no devices in the root"
/bin/busybox umount -l /dev
exec /bin/busybox switch_root /root /usr/bin/perl -I${agentFolder} ${agentFolder}/agent.pl
fail "no agent"
`;

/** The first file system of a machine: a shell, the kernel's modules and what mounts the root. */
export async function makeInitramfs(kernel: Kernel, busybox: string): Promise<Uint8Array> {
  const loaded = await kernelModules(kernel.modulesPath, modules);
  const folders = ["bin", "dev", "modules", "root"];
  const entries: CpioEntry[] = [
    ...folders.map((path) => ({ path, mode: cpioModes.folder, content: new Uint8Array() })),
    { path: "bin/busybox", mode: cpioModes.program, content: await readFile(busybox) },
    { path: "init", mode: cpioModes.program, content: Buffer.from(init) },
  ];
  for (const [index, { name, content }] of loaded.entries()) {
    const path = `modules/${String(index).padStart(2, "0")}-${name}`;
    entries.push({ path, mode: cpioModes.file, content });
  }
  return packCpio(entries);
}
