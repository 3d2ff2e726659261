import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cpioModes, packCpio } from "./cpio-archive.ts";

const folder = mkdtempSync(join(tmpdir(), "rx-cpio-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const busybox = Bun.which("busybox");

test.if(busybox !== null)("an archive is unpacked by cpio as it was packed (needs busybox)", () => {
  const bytes = new Uint8Array([0, 1, 2, 255, 254]);
  const archive = packCpio([
    { path: "bin", mode: cpioModes.folder, content: new Uint8Array() },
    { path: "bin/a", mode: cpioModes.program, content: bytes },
    { path: "bin/four", mode: cpioModes.file, content: Buffer.from("four") },
    { path: "empty", mode: cpioModes.file, content: new Uint8Array() },
  ]);
  writeFileSync(join(folder, "archive"), archive);
  const command = ["busybox", "cpio", "-i", "-d", "-F", "archive"];
  const { exitCode, stderr } = Bun.spawnSync(command, { cwd: folder });
  expect({ exitCode, stderr: stderr.toString() }).toMatchObject({ exitCode: 0 });
  expect([...readFileSync(join(folder, "bin/a"))]).toEqual([...bytes]);
  expect(statSync(join(folder, "bin/a")).mode & 0o777).toBe(0o755);
  expect(readFileSync(join(folder, "bin/four"), "utf8")).toBe("four");
  expect(statSync(join(folder, "empty")).size).toBe(0);
});
