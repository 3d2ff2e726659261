import type { FunctionPlan } from "../domain/plan.ts";
import { type Allotment, gbSecondsOf, vcpuMsOf } from "../domain/usage.ts";
import { EgressDenials } from "./egress-denials.ts";

/** Upper bounds of the duration histogram's buckets, in milliseconds; one more bucket is unbounded. */
export const durationBucketsMs = [
  1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000,
] as const;

/** What is counted of one function since start. Plain numbers: bumping one costs nothing. */
export class FunctionMeter {
  readonly functionId: string;
  readonly project: string;
  readonly functionName: string;
  /** Finished invocations by HTTP status. */
  readonly byStatus = new Map<number, number>();
  /** Finished invocations by error code. */
  readonly byErrorCode = new Map<string, number>();
  /** Durations, a count per bucket of `durationBucketsMs` and one beyond; not cumulative. */
  readonly durationBuckets = new Float64Array(durationBucketsMs.length + 1);
  readonly egressDenials = new EgressDenials();
  durationMsSum = 0;
  invocations = 0;
  coldStarts = 0;
  startMsSum = 0;
  bytesIn = 0;
  bytesOut = 0;
  runMsSum = 0;
  vcpuMsSum = 0;
  gbSecondsSum = 0;

  constructor(functionPlan: FunctionPlan) {
    this.functionId = functionPlan.functionId;
    this.project = functionPlan.project;
    this.functionName = functionPlan.name;
  }

  finished(status: number, errorCode: string | undefined, durationMs: number): void {
    this.invocations += 1;
    this.byStatus.set(status, (this.byStatus.get(status) ?? 0) + 1);
    if (errorCode !== undefined) {
      this.byErrorCode.set(errorCode, (this.byErrorCode.get(errorCode) ?? 0) + 1);
    }
    this.durationMsSum += durationMs;
    let bucket = 0;
    while (durationMs > (durationBucketsMs[bucket] ?? Number.POSITIVE_INFINITY)) bucket += 1;
    this.durationBuckets[bucket] = (this.durationBuckets[bucket] ?? 0) + 1;
  }

  moved(bytesIn: number, bytesOut: number): void {
    this.bytesIn += bytesIn;
    this.bytesOut += bytesOut;
  }

  /** An instance of the allotment had an invocation for `runMs`. */
  used(runMs: number, allotment: Allotment | undefined): void {
    this.runMsSum += runMs;
    this.vcpuMsSum += vcpuMsOf(runMs, allotment);
    this.gbSecondsSum += gbSecondsOf(runMs, allotment);
  }

  started(startMs: number): void {
    this.coldStarts += 1;
    this.startMsSum += startMs;
  }
}
