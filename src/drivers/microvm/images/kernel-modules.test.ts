import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { findTool } from "../../process/sandbox-probe.ts";
import { rejectionOf } from "../../testing/rejection.ts";
import { readModule } from "./kernel-module.ts";
import { kernelModules } from "./kernel-modules.ts";

const folder = mkdtempSync(join(tmpdir(), "rx-modules-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Bytes of every value, which are no text in any encoding. */
const bytes = Buffer.from(Array.from({ length: 1024 }, (_, i) => i % 256));

function moduleBytes(needs: string): Buffer {
  return Buffer.concat([Buffer.from(`\x7fELF\0license=GPL\0depends=${needs}\0name=x\0`), bytes]);
}

function write(path: string, content: Uint8Array): string {
  const file = join(folder, "kernel", path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return file;
}

const pack = {
  gz: (content: Uint8Array): Uint8Array => gzipSync(content),
  zst: (content: Uint8Array): Uint8Array => zstdCompressSync(content),
  xz: (content: Uint8Array): Uint8Array => Bun.spawnSync(["xz", "-c"], { stdin: content }).stdout,
};

write("drivers/virtio/virtio.ko", moduleBytes(""));
write("drivers/virtio/virtio_ring.ko", moduleBytes("virtio"));
write("drivers/virtio/virtio_mmio.ko", moduleBytes("virtio,virtio_ring"));
write("drivers/char/hw_random/virtio-rng.ko", moduleBytes("virtio_ring,rng-core"));
write("fs/ext4/ext4.ko", moduleBytes("crc16,mbcache"));
write("fs/mbcache.ko", moduleBytes(""));
writeFileSync(
  join(folder, "modules.builtin"),
  "kernel/lib/crc16.ko\nkernel/drivers/char/hw_random/rng-core.ko\n",
);

async function names(wanted: readonly string[]): Promise<readonly string[]> {
  return (await kernelModules(folder, wanted)).map(({ name }) => name);
}

test("modules come after those that they need, each once, without what is built in", async () => {
  expect(await names(["virtio_mmio", "virtio_rng", "ext4", "crc16"])).toEqual([
    "virtio.ko",
    "virtio_ring.ko",
    "virtio_mmio.ko",
    "virtio-rng.ko",
    "mbcache.ko",
    "ext4.ko",
  ]);
});

test("a kernel without a wanted module is refused with its name", async () => {
  expect(String(await rejectionOf(names(["virtio_blk"])))).toContain("it has no module virtio_blk");
});

describe.each([
  ["gz", undefined],
  ["zst", "zstd"],
  ["xz", "xz"],
] as const)("a module that is compressed as .%s (by %p)", (ending, tool) => {
  const has = tool === undefined || findTool(tool) !== undefined;

  test.if(has)("is loaded as it was before", async () => {
    write(`lib/needs-${ending}.ko.${ending}`, pack[ending](moduleBytes("mbcache")));
    const [need, module] = await kernelModules(folder, [`needs_${ending}`]);
    expect([need?.name, module?.name]).toEqual(["mbcache.ko", `needs-${ending}.ko`]);
    expect(Buffer.from(module?.content ?? []).equals(moduleBytes("mbcache"))).toBe(true);
  });

  test.if(has)("is refused with its name when it is cut", async () => {
    const whole = pack[ending](moduleBytes(""));
    const file = write(`lib/cut.ko.${ending}`, whole.subarray(0, whole.length / 2));
    expect(String(await rejectionOf(readModule(file)))).toContain(
      `Cannot use the kernel module ${file}: `,
    );
  });

  test.if(tool !== undefined)(
    "is refused with what installs the program that is missing",
    async () => {
      const file = write(`lib/alone.ko.${ending}`, bytes);
      const refusal = await rejectionOf(readModule(file, () => undefined));
      expect(refusal).toMatchObject({
        message: expect.stringContaining(`compressed with ${tool}, which is not on this machine`),
        details: { remedy: expect.stringContaining("apt-get install") },
      });
    },
  );
});
