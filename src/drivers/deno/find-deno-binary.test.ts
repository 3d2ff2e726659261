import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { findDenoBinary } from "./find-deno-binary.ts";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "rx-")));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function binary(...path: string[]): string {
  const file = join(folder, ...path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, "\x7fELF and more");
  chmodSync(file, 0o755);
  return file;
}

const places = { setting: undefined, packageRoots: [folder], searchPath: join(folder, "path") };

test("says what is missing when there is no Deno", () => {
  expect(() => findDenoBinary(places)).toThrow(
    "Cannot run Deno functions: there is no Deno on this machine",
  );
});

test("prefers the setting, then the platform's package, the wrapper package, the search path", () => {
  const onPath = binary("path", "deno");
  expect(findDenoBinary(places)).toBe(onPath);
  const wrapper = binary("node_modules", "deno", "deno");
  expect(findDenoBinary(places)).toBe(wrapper);
  const platform = binary("node_modules", "@deno", `linux-${process.arch}-glibc`, "deno");
  expect(findDenoBinary(places)).toBe(platform);
  const setting = binary("mine", "deno");
  expect(findDenoBinary({ ...places, setting })).toBe(setting);
});

test("refuses a setting that is no binary instead of taking another", () => {
  expect(() => findDenoBinary({ ...places, setting: join(folder, "nothing") })).toThrow(
    /is no binary/,
  );
});
