import { endOfTurn } from "../base/end-of-turn.ts";
import type { InvocationRecord } from "../domain/invocation.ts";
import { createInvocationEncoder } from "./invocation-codec.ts";
import type { JournalLimits } from "./journal-limits.ts";
import { type SegmentStats, countLine, emptyStats } from "./segment.ts";
import type { SegmentLog } from "./segment-log.ts";

/** Records that are encoded before the event loop gets its turn again: a fraction of a millisecond. */
const recordsPerTurn = 512;

/** Keeps invocation records until the next flush and writes them then. */
export class InvocationWriter {
  readonly #segments: SegmentLog;
  readonly #limits: JournalLimits;
  readonly #onFailure: (error: unknown, records: number) => void;
  readonly #encode = createInvocationEncoder();
  #pending: InvocationRecord[] = [];
  #dropped = 0;

  constructor(options: {
    readonly segments: SegmentLog;
    readonly limits: JournalLimits;
    /** Told of a batch that could not be written; its records are counted as dropped. */
    readonly onFailure: (error: unknown, records: number) => void;
  }) {
    this.#segments = options.segments;
    this.#limits = options.limits;
    this.#onFailure = options.onFailure;
  }

  get pending(): number {
    return this.#pending.length;
  }

  /** Records dropped since start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes a record in, or drops and counts it. Runs once per invocation. */
  push(record: InvocationRecord): void {
    if (this.#pending.length >= this.#limits.bufferInvocationsMax) this.#dropped += 1;
    else this.#pending.push(record);
  }

  /** Counts a record that came after the end. */
  lose(): void {
    this.#dropped += 1;
  }

  /** Writes everything that waited when it was called. One call at a time. */
  async write(): Promise<void> {
    const records = this.#pending;
    this.#pending = [];
    let text = "";
    let stats = emptyStats();
    let count = 0;
    for (const record of records) {
      text += this.#encode(record);
      countLine(stats, record.functionId, record.startedAtMs, 0);
      if (text.length >= this.#limits.flushBytes) {
        await this.#store(text, stats);
        text = "";
        stats = emptyStats();
      }
      count += 1;
      if (count % recordsPerTurn === 0) await new Promise<void>(endOfTurn);
    }
    if (text !== "") await this.#store(text, stats);
  }

  async #store(text: string, stats: SegmentStats): Promise<void> {
    try {
      await this.#segments.append(Buffer.from(text), stats);
    } catch (error) {
      let records = 0;
      for (const { count } of stats.spans.values()) records += count;
      this.#dropped += records;
      this.#onFailure(error, records);
    }
  }
}
