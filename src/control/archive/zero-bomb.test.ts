import { expect, test } from "bun:test";
import { refusal } from "../testing/refusal.ts";
import {
  createUnpackMeter,
  defaultBundleLimits,
  type UnpackMeter,
} from "../../archive/bundle-limits.ts";
import { inflateChunkBytes } from "../../archive/inflate-chunks.ts";
import { readTar } from "../../archive/read-tar.ts";
import { readZip } from "../../archive/read-zip.ts";
import { zeroBomb } from "./zero-bomb.harness.ts";

const gibibyte = 1024 * 1_048_576;

/** A meter that also tells how many bytes really came out of the packing. */
function counting(packedBytes: number): { meter: UnpackMeter; unpackedBytes: () => number } {
  const meter = createUnpackMeter(packedBytes, defaultBundleLimits);
  let unpackedBytes = 0;
  return {
    unpackedBytes: () => unpackedBytes,
    meter: {
      ...meter,
      addBytes(count, path) {
        unpackedBytes += count;
        meter.addBytes(count, path);
      },
    },
  };
}

test("a tar.gz of 1 GiB is refused after 100 times its own bytes, and no more are unpacked", async () => {
  const bomb = zeroBomb("tar.gz", gibibyte);
  const { meter, unpackedBytes } = counting(bomb.length);
  const refused = await refusal(readTar(bomb, meter, { gzipped: true }));
  expect(refused).toMatchObject({ code: "bundle_too_large", details: { path: "zeros.bin" } });
  expect(refused.message).toContain("100 times its 10");
  expect(bomb.length).toBeLessThan(1.1 * 1_048_576);
  expect(unpackedBytes()).toBeGreaterThan(100 * bomb.length);
  expect(unpackedBytes()).toBeLessThanOrEqual(100 * bomb.length + inflateChunkBytes);
});

test("a zip of 1 GiB is refused by what its directory says, before a byte is unpacked", async () => {
  const bomb = zeroBomb("zip", gibibyte);
  const { meter, unpackedBytes } = counting(bomb.length);
  const refused = await refusal(readZip(bomb, meter));
  expect(refused).toMatchObject({ code: "bundle_too_large", details: { path: "zeros.bin" } });
  expect(unpackedBytes()).toBe(0);
});

test("a zip of 1 GiB that says 1 MiB is refused after 1 MiB", async () => {
  const bomb = zeroBomb("zip", gibibyte);
  const mebibyte = Buffer.alloc(4);
  mebibyte.writeUInt32LE(1_048_576);
  bomb.set(mebibyte, 22);
  bomb.set(mebibyte, bomb.indexOf(Buffer.from("PK\x01\x02")) + 24);
  const { meter, unpackedBytes } = counting(bomb.length);
  const refused = await refusal(readZip(bomb, meter));
  expect(refused.message).toContain("more than the 1048576 bytes");
  expect(unpackedBytes()).toBeLessThanOrEqual(1_048_576 + inflateChunkBytes);
});
