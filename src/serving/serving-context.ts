import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { InvocationRecord, LogLine } from "../domain/invocation.ts";
import type { DeadlineSweep } from "../base/deadline-sweep.ts";
import type { ProvedInstances } from "./proved-instances.ts";

/** Where function logs and invocation records go; `Journal` is one. Neither call waits or throws. */
export interface JournalSink {
  log(line: LogLine): void;
  record(invocation: InvocationRecord): void;
}

export interface ServingSettings {
  /** Instances of all functions together; beyond it the least recently used idle one makes room. */
  readonly instancesMax: number;
  /** Upper bound of any manifest's `max_instances`. */
  readonly instancesPerFunctionMax: number;
  /** Invocations of one deployment that may wait at once. */
  readonly queuedMax: number;
  /** Longest time from the decision to start an instance to ready. */
  readonly startTimeoutMs: number;
  /** How long the event loop of a suspected instance may be silent before it is replaced. */
  readonly stuckMs: number;
  /** How long a guest that still answers may take to confirm a cancel before it is replaced. */
  readonly cancelConfirmMs: number;
  /** False leaves out logs, records and counters; only for measuring what they cost. */
  readonly observability: boolean;
}

export const defaultServingSettings: ServingSettings = {
  instancesMax: 512,
  instancesPerFunctionMax: 64,
  queuedMax: 1000,
  startTimeoutMs: 30_000,
  stuckMs: 100,
  cancelConfirmMs: 5000,
  observability: true,
};

/** What every part of serving shares. */
export interface ServingContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly journal: JournalSink;
  readonly settings: ServingSettings;
  readonly sweep: DeadlineSweep;
  /** Instances that are there before the first request of their deployment; absent: none is. */
  readonly proved?: ProvedInstances;
  /** Reads the prepared module of a deployment, digest checked. */
  loadArtifact(digest: string): Promise<Uint8Array>;
}
