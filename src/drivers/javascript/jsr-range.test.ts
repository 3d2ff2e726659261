import { expect, test } from "bun:test";
import { canonicalRange } from "./jsr-range.ts";

/** What the code has, and what Deno 2.9 writes into its lockfile for it. */
test.each([
  ["^1", "1"],
  ["~1", "1"],
  ["1.x", "1"],
  ["1.*", "1"],
  ["^1.x", "1"],
  ["^1.2", "^1.2.0"],
  ["^1.2.x", "^1.2.0"],
  ["~1.2.0", "1.2"],
  ["~1.2", "1.2"],
  ["1.2.x", "1.2"],
  ["1.2.0", "1.2.0"],
  ["x", "*"],
  ["~0.2.3", "~0.2.3"],
  ["^0.2", "0.2"],
  ["^0.0", "0.0"],
  ["^0", "0"],
  ["^2.0.0-rc.1", "^2.0.0-rc.1"],
])("%s is the range that the lock has as %s", (written, locked) => {
  expect(canonicalRange(written)).toBeDefined();
  expect(canonicalRange(written)).toBe(canonicalRange(locked));
});

test.each([
  ["^1", "1.0"],
  ["1.2.0", "1.2"],
  ["^1.2.3", "~1.2.3"],
  ["^0.2.3", "^0.3.0"],
  ["^0.0.3", "~0.0.3-rc"],
  ["^2.0.0-rc.1", "^2.0.0"],
  ["1", "*"],
])("%s is another range than %s", (one, other) => {
  expect(canonicalRange(one)).toBeDefined();
  expect(canonicalRange(one)).not.toBe(canonicalRange(other));
});

test.each(["", "latest", "v1.2.0", "=1.2.0", ">=1", "1 || 2", ">=1 <2", "1.2.3.4", "../1"])(
  "%p is none, for Deno too",
  (range) => {
    expect(canonicalRange(range)).toBeUndefined();
  },
);
