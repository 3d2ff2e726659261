import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { kernelModules } from "./kernel-modules.ts";

const folder = mkdtempSync(join(tmpdir(), "rx-modules-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function module(path: string, needs: string): void {
  const file = join(folder, "kernel", path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `\x7fELF\0license=GPL\0depends=${needs}\0name=x\0`);
}

module("drivers/virtio/virtio.ko", "");
module("drivers/virtio/virtio_ring.ko", "virtio");
module("drivers/virtio/virtio_mmio.ko", "virtio,virtio_ring");
module("drivers/char/hw_random/virtio-rng.ko", "virtio_ring,rng-core");
module("fs/ext4/ext4.ko", "crc16,mbcache");
module("fs/mbcache.ko", "");
module("lib/packed.ko.xz", "");
writeFileSync(
  join(folder, "modules.builtin"),
  "kernel/lib/crc16.ko\nkernel/drivers/char/hw_random/rng-core.ko\n",
);

test("modules come after those that they need, each once, without what is built in", () => {
  const files = kernelModules(folder, ["virtio_mmio", "virtio_rng", "ext4", "crc16"]);
  expect(files.map((file) => file.slice(file.lastIndexOf("/") + 1))).toEqual([
    "virtio.ko",
    "virtio_ring.ko",
    "virtio_mmio.ko",
    "virtio-rng.ko",
    "mbcache.ko",
    "ext4.ko",
  ]);
});

test("a kernel without a wanted module is refused with its name", () => {
  expect(() => kernelModules(folder, ["virtio_blk"])).toThrow(/it has no module virtio_blk/);
});

test("compressed modules are refused", () => {
  expect(() => kernelModules(folder, ["packed"])).toThrow(/compressed modules are not read/);
});
