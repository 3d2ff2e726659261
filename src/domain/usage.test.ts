import { expect, test } from "bun:test";
import { defaultManifestCaps } from "./manifest-keys.ts";
import { parseManifest } from "./parse-manifest.ts";
import { addUsage, allotmentOf, gbSecondsOf, noUsage, type UsageSums, vcpuMsOf } from "./usage.ts";

const defaults = { name: "hello", runtime: "bun", isolation: "process" } as const;
const limitsOf = (limits: object) =>
  parseManifest({ limits }, { ...defaults, caps: defaultManifestCaps }).limits;

test("usage is what the instance was given, times the time that it had the invocation", () => {
  const table = [
    // memory_mb, vcpu, run ms, vCPU-ms, GB-s
    [256, undefined, 1000, 1000, 0.25],
    [1024, undefined, 1000, 1000, 1],
    [512, 2, 250, 500, 0.125],
    [128, 0.5, 300, 150, 0.0375],
    [256, 1, 0, 0, 0],
  ] as const;
  for (const [memory_mb, vcpu, runMs, vcpuMs, gbSeconds] of table) {
    const allotment = allotmentOf(limitsOf({ memory_mb, ...(vcpu === undefined ? {} : { vcpu }) }));
    expect(vcpuMsOf(runMs, allotment)).toBeCloseTo(vcpuMs, 9);
    expect(gbSecondsOf(runMs, allotment)).toBeCloseTo(gbSeconds, 9);
  }
});

test("limits that nobody wrote count with their defaults", () => {
  expect(allotmentOf(limitsOf({}))).toEqual({ memoryMb: 256, vcpu: 1 });
});

test("without an instance nothing is used", () => {
  expect([vcpuMsOf(5, undefined), gbSecondsOf(5, undefined)]).toEqual([0, 0]);
});

test("sums add up member by member", () => {
  const a: UsageSums = {
    invocations: 1,
    coldStarts: 2,
    runMs: 3,
    vcpuMs: 4,
    gbSeconds: 5,
    bytesIn: 6,
    bytesOut: 7,
  };
  expect(addUsage(a, noUsage)).toEqual(a);
  expect(Object.values(addUsage(a, a))).toEqual([2, 4, 6, 8, 10, 12, 14]);
});
