//  queued --claimed--> running --answered--> succeeded
//  running --answered 4xx--> failed
//  running --failed, may retry--> queued       running --its server died--> queued
//  running --failed, may not--> dead           queued --too old, function deleted--> dead
//  failed, dead --retried by a user--> queued
export const queuedStates = ["queued", "running", "succeeded", "failed", "dead"] as const;
export type QueuedState = (typeof queuedStates)[number];

/** Who asked for a queued invocation. */
export const queuedOrigins = ["request", "schedule", "destination", "event"] as const;
export type QueuedOrigin = (typeof queuedOrigins)[number];

/** One accepted invocation, without its request and result. Times are epoch milliseconds. */
export interface QueuedInvocation {
  /** `inv_…`, the same in every attempt. */
  readonly id: string;
  readonly requestId: string;
  readonly projectId: string;
  readonly functionId: string;
  /** The alias or revision it was accepted for; resolved when it runs. */
  readonly selector: string;
  readonly origin: QueuedOrigin;
  readonly state: QueuedState;
  /** Order of acceptance over all functions; the clock may jump, this does not. */
  readonly position: number;
  /** Those of a function with the same key run one at a time, in order. */
  readonly orderingKey: string | undefined;
  readonly acceptedAtMs: number;
  /** When it may run; undefined unless it is queued. */
  readonly dueAtMs: number | undefined;
  /** It does not begin after this. */
  readonly expiresAtMs: number;
  readonly finishedAtMs: number | undefined;
  /** Attempts that began, ever: the number that the function sees. */
  readonly attempt: number;
  /** Attempts that count against the most there may be: not those that a stop of the server ended. */
  readonly tries: number;
  /** Who runs it, until when; undefined unless it is running. */
  readonly lease: { readonly owner: string; readonly untilMs: number } | undefined;
  /** Bytes of what is stored of request and result. */
  readonly storedBytes: number;
  /** Of the last attempt. */
  readonly revision: number | undefined;
  readonly status: number | undefined;
  readonly errorCode: string | undefined;
  /** Digest of function, caller and `Idempotency-Key`. */
  readonly idempotency: string | undefined;
  /** Digest of the request that came with it. */
  readonly fingerprint: string | undefined;
  /** How many destinations led here. */
  readonly depth: number;
}

export function isFinished(state: QueuedState): boolean {
  return state !== "queued" && state !== "running";
}
