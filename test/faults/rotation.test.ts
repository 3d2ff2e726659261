import { describe, expect, test } from "bun:test";
import { killAtSyscalls } from "./kill-at-syscall.ts";
import { straceMissing } from "./strace.ts";

describe.skipIf(straceMissing !== undefined)(`kill -9 (${straceMissing ?? "by strace"})`, () => {
  test("in the middle of a rotation of the data key leaves a server whose secrets open", async () => {
    const report = await killAtSyscalls({
      seed: 11,
      killsMax: 4,
      strideMax: 7,
      names: ["secrets.rotateKey"],
    });
    expect(report.faults).toEqual([]);
    expect(Object.keys(report.kills)).toEqual(["secrets.rotateKey"]);
  }, 120_000);
});
