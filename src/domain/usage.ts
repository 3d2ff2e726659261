import type { ManifestLimits } from "./manifest.ts";

/** What an instance was given, whether it uses it or not. */
export interface Allotment {
  /** In MiB, as `limits.memory_mb` is. */
  readonly memoryMb: number;
  /** Processors, parts of one too. */
  readonly vcpu: number;
}

export const usageSteps = ["hour", "day"] as const;
export type UsageStep = (typeof usageSteps)[number];

/** Sums over invocations. */
export interface UsageSums {
  readonly invocations: number;
  readonly coldStarts: number;
  /** Milliseconds that they were on an instance. */
  readonly runMs: number;
  readonly vcpuMs: number;
  readonly gbSeconds: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export const noUsage: UsageSums = {
  invocations: 0,
  coldStarts: 0,
  runMs: 0,
  vcpuMs: 0,
  gbSeconds: 0,
  bytesIn: 0,
  bytesOut: 0,
};

/** What an instance under the limits is given. Without a quota it counts as one processor. */
export function allotmentOf({ memoryMb, vcpu = 1 }: ManifestLimits): Allotment {
  return { memoryMb: memoryMb.value, vcpu };
}

/** Processors times milliseconds. */
export function vcpuMsOf(runMs: number, allotment: Allotment | undefined): number {
  return allotment === undefined ? 0 : runMs * allotment.vcpu;
}

/** Memory in units of 1024 MiB times seconds, as AWS Lambda bills it. */
export function gbSecondsOf(runMs: number, allotment: Allotment | undefined): number {
  return allotment === undefined ? 0 : (allotment.memoryMb / 1024) * (runMs / 1000);
}

/** The sums of both. */
export function addUsage(a: UsageSums, b: UsageSums): UsageSums {
  return {
    invocations: a.invocations + b.invocations,
    coldStarts: a.coldStarts + b.coldStarts,
    runMs: a.runMs + b.runMs,
    vcpuMs: a.vcpuMs + b.vcpuMs,
    gbSeconds: a.gbSeconds + b.gbSeconds,
    bytesIn: a.bytesIn + b.bytesIn,
    bytesOut: a.bytesOut + b.bytesOut,
  };
}
