import type { QueuedInvocation, QueuedState } from "../domain/queue/queued-invocation.ts";
import type { Page, PageRequest } from "./page.ts";

/** The bytes that belong to a queued invocation, sealed: its request, and what the last attempt gave. */
export type QueuePayloadKind = "request" | "result";

/** What a function has queued or running. */
export interface QueueTally {
  readonly functionId: string;
  readonly count: number;
  readonly bytes: number;
}

/** Which finished invocations are not kept. */
export interface QueueRetention {
  /** Succeeded and failed ones that finished before this. */
  readonly finishedBeforeMs: number;
  /** Dead ones that finished before this. */
  readonly deadBeforeMs: number;
  /** Newest finished ones of a function that are kept, and their bytes. */
  readonly countMax: number;
  readonly bytesMax: number;
}

/** Up to when the ticks of a schedule were dealt with. */
export interface ScheduleTick {
  readonly key: string;
  readonly functionId: string;
  readonly lastMs: number;
}

export interface QueueReader {
  queuedInvocation(id: string): Promise<QueuedInvocation | undefined>;
  queuedByIdempotency(digest: string): Promise<QueuedInvocation | undefined>;
  /** Newest first; the cursor is the last position. */
  listQueued(
    of: {
      readonly projectId: string;
      readonly functionId: string | undefined;
      readonly state: QueuedState | undefined;
    },
    page: PageRequest,
  ): Promise<Page<QueuedInvocation>>;
  queuePayload(id: string, kind: QueuePayloadKind): Promise<Uint8Array | undefined>;
  queueTallies(): Promise<readonly QueueTally[]>;
  /** The highest position ever given to what is still kept; 0 for none. */
  queuePosition(): Promise<number>;
  /** When the next queued invocation of the function is due that no earlier one holds up. */
  nextDueMs(functionId: string): Promise<number | undefined>;
  /** Ids of what runs under the owner's lease. */
  runningQueued(owner: string): Promise<readonly string[]>;
  /** Queued ones that may not begin any more, of one function or of all; at most `limit`. */
  expiredQueued(of: {
    readonly functionId: string | undefined;
    readonly nowMs: number;
    readonly limit: number;
  }): Promise<readonly QueuedInvocation[]>;
  /** Ids of finished ones beyond the bounds, at most `limit`. */
  queuedBeyond(retention: QueueRetention, limit: number): Promise<readonly string[]>;
  scheduleTicks(): Promise<readonly ScheduleTick[]>;
  /** A sealed value of the platform's own. */
  platformSecret(name: string): Promise<string | undefined>;
  platformSecrets(): Promise<readonly { readonly name: string; readonly sealed: string }[]>;
}

export interface QueueWriter extends QueueReader {
  /** `conflict` when the id, the position or the idempotency digest is there already. */
  insertQueued(record: QueuedInvocation, request: Uint8Array): Promise<void>;
  /**
   * Makes due invocations of the function `running` under the owner's lease, each attempt counted,
   * oldest due first; of those with one ordering key only the first that is not finished.
   */
  claimQueued(claim: {
    readonly functionId: string;
    readonly nowMs: number;
    readonly limit: number;
    readonly owner: string;
    readonly leaseUntilMs: number;
  }): Promise<readonly QueuedInvocation[]>;
  updateQueued(
    id: string,
    change: Partial<
      Pick<
        QueuedInvocation,
        | "state"
        | "dueAtMs"
        | "expiresAtMs"
        | "finishedAtMs"
        | "tries"
        | "lease"
        | "storedBytes"
        | "revision"
        | "status"
        | "errorCode"
      >
    >,
  ): Promise<void>;
  /** Undefined removes it. */
  putQueuePayload(id: string, kind: QueuePayloadKind, bytes: Uint8Array | undefined): Promise<void>;
  renewLeases(owner: string, untilMs: number): Promise<void>;
  /**
   * Puts everything that runs under another owner's lease back into the queue, due now; such an
   * attempt does not count. Resolves how many there were.
   */
  takeOverLeases(owner: string, nowMs: number): Promise<number>;
  /** With what belongs to them. */
  deleteQueued(ids: readonly string[]): Promise<void>;
  putScheduleTick(tick: ScheduleTick): Promise<void>;
  deleteScheduleTicks(keys: readonly string[]): Promise<void>;
  putPlatformSecret(name: string, sealed: string): Promise<void>;
}
