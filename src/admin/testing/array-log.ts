import { createDeferred, type Deferred } from "../../base/deferred.ts";
import type { StoredLogLine } from "../../domain/invocation.ts";

/** A log in memory that can be followed, as a journal's can. */
export interface ArrayLog {
  append(line: StoredLogLine): void;
  /** Lines after `afterSeq`, then new ones, until the signal aborts. */
  follow(afterSeq: number | undefined, signal: AbortSignal): AsyncIterable<StoredLogLine>;
  /** Lines that followers have taken so far. */
  readonly taken: number;
  /** Followers that have not ended. */
  readonly followers: number;
}

export function createArrayLog(): ArrayLog {
  const lines: StoredLogLine[] = [];
  let grown: Deferred<void> = createDeferred();
  let taken = 0;
  let followers = 0;
  return {
    append(line) {
      lines.push(line);
      grown.resolve();
      grown = createDeferred();
    },
    async *follow(afterSeq = 0, signal) {
      followers += 1;
      const aborted = createDeferred<void>();
      signal.addEventListener("abort", () => aborted.resolve());
      try {
        let at = lines.findIndex(({ seq }) => seq > afterSeq);
        if (at === -1) at = lines.length;
        while (!signal.aborted) {
          const line = lines[at];
          if (line) {
            at += 1;
            taken += 1;
            yield line;
          } else await Promise.race([grown.promise, aborted.promise]);
        }
      } finally {
        followers -= 1;
      }
    },
    get taken() {
      return taken;
    },
    get followers() {
      return followers;
    },
  };
}
