import type { InvocationRecord } from "../domain/invocation.ts";
import { InvocationEncoder } from "./invocation-encoder.ts";
import type { JournalLimits } from "./journal-limits.ts";
import { type SegmentStats, countLine, emptyStats } from "./segment.ts";
import type { SegmentLog } from "./segment-log.ts";

/** Size of a block, unless a write may not be that long. */
const blockBytesMax = 256 * 1024;
/** Written blocks kept for the next records; more are left to the collector. */
const spareBlocksMax = 4;

/** Encoded records that wait for the next write. */
interface Block {
  readonly bytes: Buffer;
  readonly stats: SegmentStats;
  used: number;
}

/**
 * Keeps invocation records until the next flush and writes them then. A record is encoded when it
 * comes: kept as objects, tens of thousands a second would survive a young collection each, and
 * cost more than their encoding.
 */
export class InvocationWriter {
  readonly #segments: SegmentLog;
  readonly #limits: JournalLimits;
  readonly #onFailure: (error: unknown, records: number) => void;
  readonly #encoder = new InvocationEncoder();
  readonly #blockBytes: number;
  /** Oldest first; records are added to the last. */
  #blocks: Block[] = [];
  readonly #spare: Buffer[] = [];
  #pending = 0;
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
    this.#blockBytes = Math.min(blockBytesMax, options.limits.flushBytes);
  }

  get pending(): number {
    return this.#pending;
  }

  /** Records dropped since start. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Takes a record in, or drops and counts it. Runs once per invocation. */
  push(record: InvocationRecord): void {
    if (this.#pending >= this.#limits.bufferInvocationsMax) {
      this.#dropped += 1;
      return;
    }
    const block = this.#blockFor(InvocationEncoder.bytesMax(record));
    block.used = this.#encoder.encode(record, block.bytes, block.used);
    countLine(block.stats, record.functionId, record.startedAtMs, 0);
    block.stats.usage.add(record);
    this.#pending += 1;
  }

  /** Counts a record that came after the end. */
  lose(): void {
    this.#dropped += 1;
  }

  /** Writes everything that waited when it was called. One call at a time. */
  async write(): Promise<void> {
    const blocks = this.#blocks;
    this.#blocks = [];
    this.#pending = 0;
    for (const block of blocks) {
      await this.#store(block);
      const isStandard = block.bytes.length === this.#blockBytes;
      if (isStandard && this.#spare.length < spareBlocksMax) this.#spare.push(block.bytes);
    }
  }

  #blockFor(bytes: number): Block {
    const last = this.#blocks[this.#blocks.length - 1];
    if (last !== undefined && last.used + bytes <= last.bytes.length) return last;
    const spare = bytes <= this.#blockBytes ? this.#spare.pop() : undefined;
    const block: Block = {
      bytes: spare ?? Buffer.allocUnsafeSlow(Math.max(this.#blockBytes, bytes)),
      stats: emptyStats(),
      used: 0,
    };
    this.#blocks.push(block);
    return block;
  }

  async #store({ bytes, used, stats }: Block): Promise<void> {
    try {
      await this.#segments.append(bytes.subarray(0, used), stats);
    } catch (error) {
      let records = 0;
      for (const { count } of stats.spans.values()) records += count;
      this.#dropped += records;
      this.#onFailure(error, records);
    }
  }
}
