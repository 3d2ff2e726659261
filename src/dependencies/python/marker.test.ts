import { expect, test } from "bun:test";
import { evaluateMarker, markerEnvironment } from "./marker.ts";

const environment = markerEnvironment({ version: "3.11.2", cpu: "x64" });

test.each([
  ['python_version < "3.8"', false],
  ['python_version >= "3.9"', true],
  ["python_version > '3.9' and sys_platform == 'win32'", false],
  ["python_version > '3.9' or sys_platform == 'win32'", true],
  ["sys_platform == 'win32' or python_version > '3.9' and os_name == 'nt'", false],
  ["(sys_platform == 'win32' or python_version > '3.9') and os_name == 'posix'", true],
  ["platform_machine == 'x86_64'", true],
  ["'lin' in sys_platform", true],
  ["'win' not  in sys_platform", true],
  ["python_full_version == '3.11.*'", true],
  ["'3.9' <= python_version", true],
  ["extra == 'socks'", false],
  ["implementation_name == 'cpython'", true],
])("%s: %p", (marker, verdict) => {
  expect(evaluateMarker(marker, environment)).toBe(verdict);
});

test.each([
  "",
  "python_version",
  "python_version >=",
  "nothing == 'x'",
  "constructor == 'x'",
  "sys_platform ~= 'x'",
  "sys_platform == 'a' extra",
  "(sys_platform == 'a'",
  `${"(".repeat(30)}os_name == 'a'${")".repeat(30)}`,
  "sys_platform == `a`",
  "os_name == 'a' or ".repeat(100) + "os_name == 'a'",
])("%p cannot be read", (marker) => {
  expect(evaluateMarker(marker, environment)).toBeUndefined();
});
