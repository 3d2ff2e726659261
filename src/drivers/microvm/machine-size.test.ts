import { expect, test } from "bun:test";
import { allotmentOf } from "../../domain/usage.ts";
import { suiteManifest } from "../suite/suite-manifest.ts";
import { machineSize, roundedUp } from "./machine-size.ts";

const manifestOf = (memoryMb: number, vcpu?: number) =>
  suiteManifest({ runtime: "bun", memoryMb, vcpu });

test("a machine has the smallest size that fits, and one processor unless more are asked for", () => {
  const sizes = [
    [128, undefined, 128, 1],
    [129, 1, 256, 1],
    [256, 2, 256, 2],
    [1025, 32, 2048, 32],
    [3072, undefined, 3072, 1],
  ] as const;
  for (const [memoryMb, vcpu, gotMb, gotVcpu] of sizes) {
    const { limits } = manifestOf(memoryMb, vcpu);
    expect(machineSize(limits)).toEqual({ memoryMb: gotMb, vcpu: gotVcpu });
  }
});

test("memory that is no size is rounded up, and it says so; the function is told what it has", () => {
  const { manifest, note } = roundedUp(manifestOf(300));
  expect(manifest.limits.memoryMb).toEqual({ value: 512, written: true });
  expect(note).toContain("300 is rounded up to 512");
  expect(allotmentOf(manifest.limits)).toEqual({ memoryMb: 512, vcpu: 1 });
  expect(roundedUp(manifestOf(512))).toEqual({ manifest: manifestOf(512), note: undefined });
});
