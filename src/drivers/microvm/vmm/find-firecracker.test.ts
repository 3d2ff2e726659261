import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findFirecracker } from "./find-firecracker.ts";

const folder = mkdtempSync(join(tmpdir(), "rx-fc-"));

afterAll(() => rmSync(folder, { recursive: true }));

test.each([
  ["Firecracker v1.14.0", "1.14.0"],
  ["Firecracker v1.17.0-dev", "1.17.0"],
  ["Firecracker v2.0.1", "2.0.1"],
  ["Firecracker v1.13.1", undefined],
  ["Firecracker v0.25.2", undefined],
  ["something else", undefined],
  ["", undefined],
])("a program that says %p is Firecracker %p", async (says, version) => {
  const path = join(folder, "firecracker");
  writeFileSync(path, `#!/bin/sh\necho "${says}"\n`);
  chmodSync(path, 0o755);
  expect(await findFirecracker(path)).toEqual(
    version === undefined ? undefined : { path, version },
  );
});

test("a machine without the program has no Firecracker", async () => {
  expect(await findFirecracker(join(folder, "none"))).toBeUndefined();
});
