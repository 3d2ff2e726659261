import { expect, test } from "bun:test";
import { judgeTries } from "./judge-tries.ts";

test("tries that all failed held, with how they failed", () => {
  expect(judgeTries({ a: "EPERM", b: "EPERM", c: "ENOENT" })).toEqual({
    held: true,
    found: "none of 3 succeeded (EPERM ×2, ENOENT ×1)",
  });
});

test("one that succeeded is enough, and it is named with what it got", () => {
  expect(judgeTries({ a: "EPERM", b: "ok 3 entries", c: "ok" })).toEqual({
    held: false,
    found: "2 of 3 succeeded: b 3 entries, c",
  });
});

test("an error whose name begins like a success is none", () => {
  expect(judgeTries({ a: "okay" })).toMatchObject({ held: true });
});
