import { describe, expect, test } from "bun:test";
import { killAtSyscalls } from "./kill-at-syscall.ts";
import { straceMissing } from "./strace.ts";

/** A few moments of a few changes; `killAtSyscalls()` sweeps all of them for the soak. */
describe.skipIf(straceMissing !== undefined)(`kill -9 (${straceMissing ?? "by strace"})`, () => {
  test.each([
    // After the deployment was recorded, and before it was ready.
    { seed: 7, killsMax: 2, killsOfOneMax: 2, strideMax: 30, names: ["deployments.create"] },
    { seed: 5, killsMax: 1, killsOfOneMax: 1, strideMax: 8, names: ["functions.promote"] },
    { seed: 3, killsMax: 1, killsOfOneMax: 1, strideMax: 8, names: ["functions.rollback"] },
    { seed: 9, killsMax: 1, killsOfOneMax: 1, strideMax: 8, names: ["env.set secret"] },
    { seed: 4, killsMax: 2, killsOfOneMax: 2, strideMax: 8, names: ["projects.delete"] },
  ])(
    "as the server enters a system call of a change ($names) leaves it whole or absent",
    async (options) => {
      const report = await killAtSyscalls(options);
      expect(report.faults).toEqual([]);
      expect(Object.keys(report.kills)).toEqual([...options.names]);
    },
    60_000,
  );
});
