import type { ManifestConcurrency } from "../domain/manifest.ts";

/** How busy a pool is. */
export interface Load {
  /** Whether a ready instance has a free slot. */
  readonly hasFreeSlot: boolean;
  /** Invocations on instances. */
  readonly running: number;
  /** Invocations that wait for an instance that is starting. */
  readonly waitingForStart: number;
  /** All waiting invocations, those for a start included. */
  readonly waiting: number;
  /** Instances that are ready or starting. */
  readonly instances: number;
  readonly starting: number;
  /** Why no instance may be started now although the pool has room; undefined when it may. */
  readonly startRefusal: "crash_loop" | "instances_max" | undefined;
}

export interface AdmissionLimits {
  readonly maxConcurrency: number;
  readonly maxInstances: number;
  readonly perInstance: number;
  readonly queueMs: number;
  /** Invocations that may wait at once. */
  readonly queuedMax: number;
}

/** The limits of a pool: what the manifest asks for within what the server allows. */
export function admissionLimits(
  concurrency: ManifestConcurrency,
  settings: { readonly instancesPerFunctionMax: number; readonly queuedMax: number },
): AdmissionLimits {
  return {
    maxConcurrency: concurrency.maxConcurrency,
    maxInstances: Math.min(concurrency.maxInstances, settings.instancesPerFunctionMax),
    perInstance: concurrency.perInstance,
    queueMs: concurrency.queueMs,
    queuedMax: settings.queuedMax,
  };
}

export type Admission =
  /** Run on the least-loaded ready instance. */
  | "reuse"
  /** Wait for an instance that is starting already and has room. */
  | "wait_for_start"
  /** Start an instance and wait for it. */
  | "start"
  /** Wait at most `queueMs` for a slot. */
  | "queue"
  | "reject_concurrency"
  | "reject_instances"
  | "reject_crash_loop";

/** Decides what happens to one more invocation. Pure. */
export function admit(load: Load, limits: AdmissionLimits): Admission {
  if (load.running + load.waitingForStart >= limits.maxConcurrency) {
    return queueOr("reject_concurrency", load, limits);
  }
  if (load.hasFreeSlot) return "reuse";
  if (load.waiting < limits.queuedMax) {
    if (load.waitingForStart < load.starting * limits.perInstance) return "wait_for_start";
    if (load.instances < limits.maxInstances) {
      if (load.startRefusal === undefined) return "start";
      if (load.startRefusal === "crash_loop" && load.instances === 0) return "reject_crash_loop";
    }
  }
  return queueOr("reject_instances", load, limits);
}

function queueOr(refusal: Admission, load: Load, limits: AdmissionLimits): Admission {
  return limits.queueMs > 0 && load.waiting < limits.queuedMax ? "queue" : refusal;
}
