import { BoundedQueue } from "../base/bounded-queue.ts";
import { type Deferred, createDeferred } from "../base/deferred.ts";
import type { StoredLogLine } from "../domain/invocation.ts";
import type { LogQuery } from "./journal.ts";
import type { JournalLimits } from "./journal-limits.ts";
import { matchesLogQuery } from "./log-filter.ts";

//  behind --caught up with the files--> live --more new lines than fit--> behind
//
// While it is behind new lines are not kept for it: it reads them from the files.

/** Somebody who follows one function's log: a bounded queue of new lines and where it stands. */
export class Follower {
  readonly #query: Omit<LogQuery, "limit" | "afterSeq">;
  readonly #queue: BoundedQueue<StoredLogLine>;
  readonly #queueBytesMax: number;
  #queueBytes = 0;
  #isBehind = true;
  #coveredSeq: number | undefined;
  #wake: Deferred<void> = createDeferred();

  constructor(query: Omit<LogQuery, "limit" | "afterSeq">, limits: JournalLimits) {
    this.#query = query;
    this.#queue = new BoundedQueue({ capacity: limits.followerLinesMax });
    this.#queueBytesMax = limits.followerBytesMax;
  }

  /** Whether the queue is used up and the next lines must come from the files. */
  get mustRead(): boolean {
    return this.#isBehind && this.#queue.size === 0;
  }

  /** Up to which line all were queued or filtered out; undefined before the first `goLive()`. */
  get coveredSeq(): number | undefined {
    return this.#coveredSeq;
  }

  /** From now on lines after `storedSeq` are queued; the caller reads the ones up to it. */
  goLive(storedSeq: number): void {
    this.#isBehind = false;
    this.#coveredSeq = storedSeq;
  }

  /**
   * Tells of new lines that can be read from the files by now. Without all of the lines themselves,
   * or when they do not fit, the follower falls behind instead of missing some or growing.
   */
  offer(lines: readonly StoredLogLine[] | undefined): void {
    if (!this.#isBehind) this.#isBehind = lines === undefined || !this.#takeAll(lines);
    this.wake();
  }

  #takeAll(lines: readonly StoredLogLine[]): boolean {
    for (const line of lines) {
      // Lines are kept for followers from when the first one came, which may be amid a write.
      if (line.seq !== (this.#coveredSeq ?? 0) + 1) return false;
      if (matchesLogQuery(line, this.#query) && !this.#take(line)) return false;
      this.#coveredSeq = line.seq;
    }
    return true;
  }

  #take(line: StoredLogLine): boolean {
    const bytes = this.#queueBytes + line.message.length;
    if (bytes > this.#queueBytesMax || !this.#queue.push(line)) return false;
    this.#queueBytes = bytes;
    return true;
  }

  /** The next new line, if there is one. */
  shift(): StoredLogLine | undefined {
    const line = this.#queue.shift();
    if (line) this.#queueBytes -= line.message.length;
    return line;
  }

  /** Resolves when there may be something new. */
  async wait(): Promise<void> {
    await this.#wake.promise;
    this.#wake = createDeferred();
  }

  wake(): void {
    this.#wake.resolve();
  }
}
