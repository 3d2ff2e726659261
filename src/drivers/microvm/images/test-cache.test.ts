import { afterEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ImageRecord, recordFile } from "./microvm-image.ts";
import { enterTestCache } from "./test-cache.harness.ts";

const folder = mkdtempSync(join(tmpdir(), "rx-cache-"));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** An image of 100 bytes; what it is made of does not matter here. */
function putImage(digit: number): void {
  const path = join(folder, "images", String(digit).repeat(32));
  mkdirSync(path, { recursive: true });
  const record: ImageRecord = {
    runtime: "probe",
    runtimeVersion: "1",
    kernelVersion: "1",
    kernelArgs: "",
    sourceDigest: "",
    files: { vmlinuz: "", "initramfs.cpio": "", "root.ext4": "" },
    bytes: 100,
    builtAtMs: digit,
  };
  writeFileSync(join(path, recordFile), JSON.stringify(record));
}

const digits = (): number[] =>
  readdirSync(join(folder, "images"))
    .map((name) => Number(name[0]))
    .toSorted((a, b) => a - b);

test("the tests' cache keeps its newest images within the bound, and all while another process uses it", async () => {
  for (const digit of [1, 2, 3, 4, 5]) putImage(digit);
  await using other = Bun.spawn(["sleep", "1000"], { stdio: ["ignore", "ignore", "ignore"] });
  const bound = { folder, bytesMax: 250 };
  // The other one has a bound that holds everything.
  await enterTestCache({ ...bound, bytesMax: 500, pid: other.pid });
  await enterTestCache({ ...bound, pid: process.pid });
  expect(digits()).toEqual([1, 2, 3, 4, 5]);
  other.kill("SIGKILL");
  await other.exited;
  await enterTestCache({ ...bound, pid: process.pid });
  expect(digits()).toEqual([4, 5]);
  expect(readdirSync(join(folder, "users"))).toHaveLength(1);
});
