import type { Clock } from "../base/clock.ts";
import type { LogLine } from "../domain/invocation.ts";
import type { Follower } from "./follower.ts";
import type { JournalLimits } from "./journal-limits.ts";

/** What the journal keeps in memory of one function that logs. */
export interface FunctionLogState {
  readonly functionId: string;
  /** Of the last line, for lines that the platform writes about the function. */
  deploymentId: string;
  /** Given to the last line that was encoded. */
  lastSeq: number;
  /** Of the last line that can be read from the files. */
  storedSeq: number;
  readonly followers: Set<Follower>;
  /** What is left of the burst. */
  allowanceBytes: number;
  refilledMs: number;
  droppedLines: number;
  droppedBytes: number;
  droppedBecause: string;
  reportedMs: number;
  /** The report that is on its way to the file, to be told again if it does not get there. */
  report: { readonly line: LogLine; readonly lines: number; readonly bytes: number } | undefined;
}

/** A full line costs about this much beside its message. */
const lineOverheadBytes = 200;
const statesMax = 10_000;
const reportEveryMs = 1_000;

/**
 * Takes log lines in: bounds them per function and altogether, counts what it drops, and hands them
 * over in the order they came. Nothing here waits or touches a file.
 */
export class LogIntake {
  readonly #clock: Clock;
  readonly #limits: JournalLimits;
  readonly #lastSeqOf: (functionId: string) => number;
  readonly #states = new Map<string, FunctionLogState>();
  /** States with drops that are not reported yet. */
  readonly #dropping = new Set<FunctionLogState>();
  #pending: LogLine[] = [];
  #pendingBytes = 0;
  #droppedLines = 0;

  constructor(options: {
    readonly clock: Clock;
    readonly limits: JournalLimits;
    /** The highest `seq` of a function that is in the files; 0 for none. */
    readonly lastSeqOf: (functionId: string) => number;
  }) {
    this.#clock = options.clock;
    this.#limits = options.limits;
    this.#lastSeqOf = options.lastSeqOf;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Whether nothing waits to be written, drops to be reported included. */
  get isEmpty(): boolean {
    return this.#pending.length === 0 && this.#dropping.size === 0;
  }

  /** Lines dropped since start. */
  get droppedLines(): number {
    return this.#droppedLines;
  }

  /** Takes a line in, or drops and counts it. */
  push(written: LogLine): void {
    const state = this.state(written.functionId);
    const line = this.#storable(written);
    state.deploymentId = line.deploymentId;
    const bytes = line.message.length + lineOverheadBytes;
    const { bufferLinesMax, bufferBytesMax, functionBytesPerSecMax } = this.#limits;
    const isFull =
      this.#pending.length >= bufferLinesMax || this.#pendingBytes + bytes > bufferBytesMax;
    if (isFull) {
      this.drop(state, 1, bytes, "the journal's buffer was full");
    } else if (line.source !== "platform" && !this.#spend(state, bytes)) {
      // What the platform says about a function must not drown in what the function says.
      this.drop(state, 1, bytes, `over ${functionBytesPerSecMax} bytes/s`);
    } else {
      this.#pending.push(line);
      this.#pendingBytes += bytes;
    }
  }

  /** Takes everything that waits, followed by one line per function whose drops are due to be told. */
  take(options: { readonly reportAllDrops: boolean }): LogLine[] {
    const lines = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    const nowMs = this.#clock.monotonicMs();
    for (const state of this.#dropping) {
      const isDue = nowMs - state.reportedMs >= reportEveryMs;
      if (isDue || options.reportAllDrops) lines.push(this.#report(state, nowMs));
    }
    this.#evict(nowMs);
    return lines;
  }

  /** Counts lines of a function as lost, to be told with its next lines. */
  drop(state: FunctionLogState, lines: number, bytes: number, because: string): void {
    state.droppedLines += lines;
    state.droppedBytes += bytes;
    state.droppedBecause = because;
    this.#droppedLines += lines;
    this.#dropping.add(state);
  }

  /** Counts a line that came after the end. */
  lose(): void {
    this.#droppedLines += 1;
  }

  /** Takes back a report that did not reach the file. */
  reportAgain(state: FunctionLogState): void {
    if (state.report === undefined) return;
    state.droppedLines += state.report.lines;
    state.droppedBytes += state.report.bytes;
    state.report = undefined;
    this.#dropping.add(state);
  }

  /** What is known of a function; made from the files when it is new here. */
  state(functionId: string): FunctionLogState {
    const known = this.#states.get(functionId);
    if (known) return known;
    const lastSeq = this.#lastSeqOf(functionId);
    const state: FunctionLogState = {
      functionId,
      deploymentId: "",
      lastSeq,
      storedSeq: lastSeq,
      followers: new Set(),
      allowanceBytes: this.#limits.functionBurstBytesMax,
      refilledMs: this.#clock.monotonicMs(),
      droppedLines: 0,
      droppedBytes: 0,
      droppedBecause: "",
      reportedMs: Number.NEGATIVE_INFINITY,
      report: undefined,
    };
    this.#states.set(functionId, state);
    return state;
  }

  #spend(state: FunctionLogState, bytes: number): boolean {
    if (state.allowanceBytes < bytes) {
      const nowMs = this.#clock.monotonicMs();
      const earned = ((nowMs - state.refilledMs) / 1_000) * this.#limits.functionBytesPerSecMax;
      const { functionBurstBytesMax } = this.#limits;
      state.allowanceBytes = Math.min(functionBurstBytesMax, state.allowanceBytes + earned);
      state.refilledMs = nowMs;
      if (state.allowanceBytes < bytes) return false;
    }
    state.allowanceBytes -= bytes;
    return true;
  }

  /** The line as it can be stored: its message cut to size, its time a time. */
  #storable(line: LogLine): LogLine {
    const { messageCharsMax } = this.#limits;
    const over = line.message.length - messageCharsMax;
    if (over <= 0 && Number.isFinite(line.atMs)) return line;
    const atMs = Number.isFinite(line.atMs) ? line.atMs : this.#clock.now();
    if (over <= 0) return { ...line, atMs };
    const message = `${line.message.slice(0, messageCharsMax)}… (${over} characters cut: a message may have ${messageCharsMax})`;
    return { ...line, atMs, message };
  }

  #report(state: FunctionLogState, nowMs: number): LogLine {
    const { droppedLines, droppedBytes, droppedBecause } = state;
    this.#dropping.delete(state);
    state.droppedLines = 0;
    state.droppedBytes = 0;
    state.reportedMs = nowMs;
    const lines = droppedLines === 1 ? "1 line" : `${droppedLines} lines`;
    const line: LogLine = {
      atMs: this.#clock.now(),
      level: "warn",
      source: "platform",
      functionId: state.functionId,
      deploymentId: state.deploymentId,
      invocationId: undefined,
      requestId: undefined,
      message: `Dropped ${lines} (${droppedBytes} bytes): ${droppedBecause}`,
    };
    state.report = { line, lines: droppedLines, bytes: droppedBytes };
    return line;
  }

  /** Forgets idle functions when there are many; what is kept of them is in the files. */
  #evict(nowMs: number): void {
    if (this.#states.size <= statesMax) return;
    for (const [functionId, state] of this.#states) {
      const isStored = state.storedSeq === state.lastSeq && !this.#dropping.has(state);
      const isIdle = state.followers.size === 0 && nowMs - state.refilledMs > 60_000;
      if (isStored && isIdle) this.#states.delete(functionId);
    }
  }
}
