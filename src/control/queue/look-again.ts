import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { QueuedInvocation } from "../../domain/queue/queued-invocation.ts";
import type { Store } from "../../store/store.ts";

export interface LookAgainOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly isClosed: () => boolean;
  /** Hears of each, once, what is stored of it. */
  readonly onSeen: (record: QueuedInvocation, stored: QueuedInvocation | undefined) => void;
}

const retryMs = 1000;

/** A commit that failed may have happened: looks later, until the store answers, what is there. */
export function lookAgain(records: readonly QueuedInvocation[], options: LookAgainOptions): void {
  const { store, clock, log, isClosed, onSeen } = options;
  const look = async (): Promise<void> => {
    const found = await store.read((reader) =>
      Promise.all(records.map(({ id }) => reader.queuedInvocation(id))),
    );
    records.forEach((record, n) => onSeen(record, found[n]));
  };
  clock.after(retryMs, () => {
    if (isClosed()) return;
    look().catch((error: unknown) => {
      log.warn("cannot see whether invocations were stored; trying again", {
        error: String(error),
      });
      lookAgain(records, options);
    });
  });
}
