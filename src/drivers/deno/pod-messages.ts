/**
 * What a pod and its host say to each other, one JSON object a line, over the pod's first
 * connection. Every further connection is a worker's: the token that its `start` named, and then
 * the invocation protocol.
 */

/** Characters of a token, which the host draws for each worker. */
export const tokenLength = 32;

/** Host to pod. */
export type PodCommand =
  | { readonly type: "start"; readonly worker: number; readonly token: string }
  | { readonly type: "end"; readonly worker: number };

/** Pod to host. */
export type PodReport =
  | { readonly type: "ready" }
  /** The worker ended by itself. */
  | { readonly type: "ended"; readonly worker: number; readonly end: WorkerEnd }
  /** What workers measured last, those for which it has changed. */
  | { readonly type: "memory"; readonly workers: readonly WorkerSize[] };

/** Bytes that a worker holds, and 1 when it has not measured itself in time, as one that does not yield. */
export type WorkerSize = readonly [worker: number, bytes: number, silent: number];

/** How a worker ended, as it says itself. */
export type WorkerEnd = { readonly code: number } | { readonly signal: "SIGABRT" };

/** What a worker is told at its birth, by its name. */
export interface WorkerBirth {
  readonly socketPath: string;
  readonly token: string;
  /** Whether outgoing connections go through the host. */
  readonly hasEgress: boolean;
}
