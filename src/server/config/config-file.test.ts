import { afterAll, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { readConfigFile } from "./config-file.ts";

/** What a call that must fail says. */
function failureOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => "it did not fail",
    (error: unknown) => String(error),
  );
}

const root = await mkdtemp(path.join(tmpdir(), "reactor-config-"));
afterAll(() => rm(root, { recursive: true, force: true }));

async function fileOf(content: string | Uint8Array): Promise<string> {
  const file = path.join(root, "reactor.toml");
  await writeFile(file, content);
  return file;
}

test("readConfigFile() returns the text of a file", async () => {
  expect(await readConfigFile(await fileOf("listen = 1 # ü"))).toBe("listen = 1 # ü");
});

test("readConfigFile() returns undefined for a file that is not there", async () => {
  expect(await readConfigFile(path.join(root, "none"))).toBeUndefined();
});

test("readConfigFile() takes 256 KiB and refuses one byte more", async () => {
  expect(await readConfigFile(await fileOf("#".repeat(262_144)))).toHaveLength(262_144);
  expect(await failureOf(readConfigFile(await fileOf("#".repeat(262_145))))).toContain(
    "larger than 262144 bytes",
  );
});

test("readConfigFile() refuses a folder, an endless device and bytes that are not UTF-8", async () => {
  expect(await failureOf(readConfigFile(root))).toContain("not a regular file");
  expect(await failureOf(readConfigFile("/dev/zero"))).toContain("not a regular file");
  expect(await failureOf(readConfigFile(await fileOf(Uint8Array.from([0x61, 0xff]))))).toContain(
    "not UTF-8",
  );
});
