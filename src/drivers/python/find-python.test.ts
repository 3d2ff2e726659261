import { afterAll, expect, test } from "bun:test";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findPython, pythonVersion } from "./find-python.ts";

const folder = mkdtempSync(join(tmpdir(), "rx-python-"));
chmodSync(folder, 0o755);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A folder laid out as an interpreter outside of /usr is. */
function installation(name: string, mode: number): string {
  const prefix = join(folder, name);
  mkdirSync(join(prefix, "bin"), { recursive: true });
  mkdirSync(join(prefix, "lib", "python3.11"), { recursive: true });
  writeFileSync(join(prefix, "lib", "python3.11", "os.py"), "");
  const binary = join(prefix, "bin", "python3");
  copyFileSync("/bin/true", binary);
  chmodSync(prefix, mode);
  return binary;
}

test("the system's interpreter comes first and needs no further folder", () => {
  const { binaryPath, prefix } = findPython({ setting: undefined, searchPath: undefined });
  expect(binaryPath).toStartWith("/usr/bin/python3");
  expect(prefix).toBeUndefined();
});

test("an interpreter elsewhere brings the folder that holds its library", () => {
  const setting = installation("open", 0o755);
  expect(findPython({ setting, searchPath: undefined })).toEqual({
    binaryPath: setting,
    prefix: join(folder, "open"),
  });
});

test("a setting that is no interpreter is refused", () => {
  const setting = join(folder, "nothing");
  expect(() => findPython({ setting, searchPath: undefined })).toThrow(/is no binary/);
  const lonely = join(folder, "lonely");
  copyFileSync("/bin/true", lonely);
  expect(() => findPython({ setting: lonely, searchPath: undefined })).toThrow(/has no library/);
});

test.if(process.getuid?.() === 0)(
  "an interpreter that other users cannot reach is refused with the folder (needs root)",
  () => {
    const setting = installation("closed", 0o700);
    expect(() => findPython({ setting, searchPath: undefined })).toThrow(
      `other users cannot pass "${join(folder, "closed")}"`,
    );
  },
);

test("versions from 3.11 on are taken, older ones are refused with a remedy", () => {
  expect(pythonVersion("Python 3.11.2\n")).toBe("3.11.2");
  expect(pythonVersion("Python 3.14.0rc1")).toBe("3.14.0rc1");
  for (const output of ["Python 3.10.9", "Python 2.7.18", "Python 4.0.0", "nonsense", ""]) {
    expect(() => pythonVersion(output)).toThrow(/must be 3\.11 or newer/);
  }
});
