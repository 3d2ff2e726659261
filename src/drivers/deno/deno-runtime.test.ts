import { expect, test } from "bun:test";
import { denoVersion } from "./deno-runtime.ts";

test("reads the version from what deno --version prints", () => {
  const output =
    "deno 2.9.6 (stable, release, x86_64-unknown-linux-gnu)\nv8 15.0\ntypescript 6.0.3";
  expect(denoVersion(output)).toBe("2.9.6");
  expect(denoVersion("deno 2.10.0 (stable)")).toBe("2.10.0");
  expect(denoVersion("deno 3.0.0-rc.1 (canary)")).toBe("3.0.0-rc.1");
});

test.each([
  ["deno 2.8.9 (stable)", "Cannot run Deno functions: Deno is 2.8.9, must be 2.9 or newer"],
  ["deno 1.46.3 (stable)", "Cannot run Deno functions: Deno is 1.46.3, must be 2.9 or newer"],
  ["v24.1.0", "Cannot run Deno functions: it does not tell its version, must be 2.9 or newer"],
])("refuses %j", (output, message) => {
  expect(() => denoVersion(output)).toThrow(message);
});
