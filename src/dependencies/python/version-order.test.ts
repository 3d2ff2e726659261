import { expect, test } from "bun:test";
import { comparePythonVersions, fitsSpecifiers, parsePythonVersion } from "./version-order.ts";

function parsed(text: string): NonNullable<ReturnType<typeof parsePythonVersion>> {
  const version = parsePythonVersion(text);
  if (version === undefined) throw new Error(`${text} is no version`);
  return version;
}

test("versions are ordered as PEP 440 has it", () => {
  const ordered = [
    "0.9",
    "1.0.dev1",
    "1.0a1.dev2",
    "1.0a1",
    "1.0b2",
    "1.0rc1",
    "1.0",
    "1.0.post1.dev3",
    "1.0.post1",
    "1.0.1",
    "1.2",
    "1.10",
    "2",
    "1!0.1",
  ];
  const shuffled = ordered
    .toReversed()
    .toSorted((a, b) => comparePythonVersions(parsed(a), parsed(b)));
  expect(shuffled).toEqual(ordered);
});

test.each([
  ["1", "1.0.0"],
  ["1.0alpha2", "1.0a2"],
  ["1.0-1", "1.0.post1"],
  ["v1.0", "1.0"],
  ["1.0C1", "1.0rc1"],
  ["1.0+local.1", "1.0"],
])("%s is %s", (a, b) => {
  expect(comparePythonVersions(parsed(a), parsed(b))).toBe(0);
});

test.each(["", "a", "1.x", "1..2", "1.0-", "1.0 2", "9".repeat(20), "1.0+"])(
  "%p is no version",
  (text) => {
    expect(parsePythonVersion(text)).toBeUndefined();
  },
);

test.each([
  ["1.26.18", ">=1.21.1,<3", true],
  ["3.0", ">=1.21.1,<3", false],
  ["1.25.4", "!=1.25.*", false],
  ["1.26", "!=1.25.*", true],
  ["1.4.5", "~=1.4.2", true],
  ["1.5", "~=1.4.2", false],
  ["1.5", "~=1.4", true],
  ["2.0", "== 2.*", true],
  ["3.11.2", ">=3.8", true],
  ["3.11.2", ">3.11.2", false],
  ["1.0", "===1.0", true],
  ["1.0", "", true],
  ["1.0", ">=x", undefined],
  ["1.0", ">=1.*", undefined],
  ["1.0", "1.0", undefined],
])("%s in %s: %p", (version, specifiers, verdict) => {
  expect(fitsSpecifiers(parsed(version), specifiers)).toBe(verdict);
});
