import { endOfTurn } from "../base/end-of-turn.ts";
import type { LogLine, StoredLogLine } from "../domain/invocation.ts";
import type { JournalLimits } from "./journal-limits.ts";
import type { FunctionLogState, LogIntake } from "./log-intake.ts";
import { encodeLogLine } from "./log-line-codec.ts";
import { type SegmentStats, countLine, emptyStats } from "./segment.ts";
import type { SegmentLog } from "./segment-log.ts";

/** Lines that are encoded before the event loop gets its turn again: about half a millisecond. */
const linesPerTurn = 256;

interface Batch {
  text: string;
  readonly stats: SegmentStats;
  readonly states: Set<FunctionLogState>;
  /** States whose report of drops is in this batch. */
  readonly reported: Set<FunctionLogState>;
  /** Only of functions that somebody follows. */
  readonly live: Map<FunctionLogState, StoredLogLine[]>;
}

/** Numbers, encodes and writes what the intake took in, and tells the followers. */
export class LogWriter {
  readonly #intake: LogIntake;
  readonly #segments: SegmentLog;
  readonly #limits: JournalLimits;
  readonly #onFailure: (error: unknown, lines: number) => void;

  constructor(options: {
    readonly intake: LogIntake;
    readonly segments: SegmentLog;
    readonly limits: JournalLimits;
    /** Told of a batch that could not be written; its lines are counted as dropped. */
    readonly onFailure: (error: unknown, lines: number) => void;
  }) {
    this.#intake = options.intake;
    this.#segments = options.segments;
    this.#limits = options.limits;
    this.#onFailure = options.onFailure;
  }

  /** Writes everything that waited when it was called. One call at a time. */
  async write(options: { readonly reportAllDrops: boolean }): Promise<void> {
    const lines = this.#intake.take(options);
    let batch = emptyBatch();
    let count = 0;
    for (const line of lines) {
      this.#add(batch, line);
      if (batch.text.length >= this.#limits.flushBytes) {
        await this.#store(batch);
        batch = emptyBatch();
      }
      count += 1;
      if (count % linesPerTurn === 0) await turnEnd();
    }
    if (batch.text !== "") await this.#store(batch);
  }

  #add(batch: Batch, line: LogLine): void {
    const state = this.#intake.state(line.functionId);
    state.lastSeq += 1;
    const seq = state.lastSeq;
    batch.text += encodeLogLine(line, seq);
    batch.states.add(state);
    if (state.report?.line === line) batch.reported.add(state);
    countLine(batch.stats, line.functionId, line.atMs, seq);
    if (state.followers.size === 0) return;
    const live = batch.live.get(state);
    const stored = { ...line, seq };
    if (live) live.push(stored);
    else batch.live.set(state, [stored]);
  }

  async #store(batch: Batch): Promise<void> {
    const bytes = Buffer.from(batch.text);
    try {
      await this.#segments.append(bytes, batch.stats);
    } catch (error) {
      this.#undo(batch, bytes.length, error);
      return;
    }
    for (const state of batch.reported) state.report = undefined;
    for (const state of batch.states) {
      state.storedSeq = state.lastSeq;
      const live = batch.live.get(state);
      for (const follower of state.followers) follower.offer(live);
    }
  }

  /** Gives the numbers back, so that the next lines follow without a gap. */
  #undo(batch: Batch, bytes: number, error: unknown): void {
    let total = 0;
    for (const { count } of batch.stats.spans.values()) total += count;
    for (const state of batch.states) {
      state.lastSeq = state.storedSeq;
      // A report that is lost is no lost line: it is told again with the others.
      const report = batch.reported.has(state) ? 1 : 0;
      const lines = (batch.stats.spans.get(state.functionId)?.count ?? 0) - report;
      const share = Math.round((bytes * lines) / total);
      if (lines > 0) this.#intake.drop(state, lines, share, "the journal could not be written");
      if (report === 1) this.#intake.reportAgain(state);
    }
    this.#onFailure(error, total);
  }
}

function emptyBatch(): Batch {
  return { text: "", stats: emptyStats(), states: new Set(), reported: new Set(), live: new Map() };
}

function turnEnd(): Promise<void> {
  return new Promise(endOfTurn);
}
