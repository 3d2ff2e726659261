import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Clock, Timer } from "../base/clock.ts";
import { endOfTurn } from "../base/end-of-turn.ts";
import type { Log } from "../base/log.ts";
import { ReactorError } from "../domain/errors.ts";
import type { InvocationRecord, LogLine, StoredLogLine } from "../domain/invocation.ts";
import { followLogs } from "./follow-logs.ts";
import { Follower } from "./follower.ts";
import { InvocationWriter } from "./invocation-writer.ts";
import type { InvocationQuery, Journal, LogQuery, UsageQuery, UsageReport } from "./journal.ts";
import { type JournalLimits, defaultJournalLimits } from "./journal-limits.ts";
import { LogIntake } from "./log-intake.ts";
import { LogWriter } from "./log-writer.ts";
import { readNewestInvocations } from "./read-invocations.ts";
import { readNewestLogs } from "./read-logs.ts";
import { readUsage } from "./read-usage.ts";
import { SegmentIndex } from "./segment-index.ts";
import { SegmentLog } from "./segment-log.ts";
import { hoursFrom } from "./usage-range.ts";

export interface JournalOptions {
  /** Folder of the segments and their index; made when missing. One server at a time. */
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: Partial<JournalLimits>;
}

const retainEveryMs = 60_000;
const warnEveryMs = 10_000;

/** Opens the journal in a folder, recovering what a crash left there. */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { path, clock, log } = options;
  const limits = { ...defaultJournalLimits, ...options.limits };
  let index: SegmentIndex | undefined;
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    index = await SegmentIndex.open(join(path, "index.db"), { nowMs: clock.now(), log });
    const { segmentBytesMax, segmentAgeMsMax, ageMsMax } = limits;
    const common = { folder: path, index, clock, log, segmentBytesMax, segmentAgeMsMax, ageMsMax };
    const logs = await SegmentLog.open({ ...common, kind: "logs", bytesMax: limits.logBytesMax });
    const bytesMax = limits.invocationBytesMax;
    const invocations = await SegmentLog.open({ ...common, kind: "invocations", bytesMax });
    return new SegmentJournal({ clock, log, limits, index, logs, invocations });
  } catch (error) {
    index?.close();
    throw new ReactorError(
      "storage_unavailable",
      `Cannot open the journal in ${path}: ${String(error)}; the folder must be writable and have free space`,
      { cause: error },
    );
  }
}

interface Parts {
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: JournalLimits;
  readonly index: SegmentIndex;
  readonly logs: SegmentLog;
  readonly invocations: SegmentLog;
}

class SegmentJournal implements Journal {
  readonly #parts: Parts;
  readonly #intake: LogIntake;
  readonly #logWriter: LogWriter;
  readonly #invocationWriter: InvocationWriter;
  readonly #followers = new Set<Follower>();
  readonly #retaining: Timer;
  #flushTimer: Timer | undefined;
  #isFlushSoon = false;
  /** Whether the next flush tells all drops, not only those that were not told for a second. */
  #isReportDue = false;
  #running: Promise<void> | undefined;
  #isClosed = false;
  /** Usage before this day is tidy. */
  #tidyMs: number | undefined;
  #warnedMs = Number.NEGATIVE_INFINITY;

  constructor(parts: Parts) {
    this.#parts = parts;
    const { clock, limits, logs, index, invocations } = parts;
    const lastSeqOf = (functionId: string): number =>
      Math.max(index.lastSeq(functionId), logs.activeSpan(functionId)?.lastSeq ?? 0);
    this.#intake = new LogIntake({ clock, limits, lastSeqOf });
    const onFailure = (error: unknown, lost: number): void => this.#warn(error, lost);
    const intake = this.#intake;
    this.#logWriter = new LogWriter({ intake, segments: logs, limits, onFailure });
    this.#invocationWriter = new InvocationWriter({ segments: invocations, limits, onFailure });
    this.#retaining = clock.every(retainEveryMs, () => void this.flush());
  }

  log(line: LogLine): void {
    if (this.#isClosed) {
      this.#intake.lose();
      return;
    }
    this.#intake.push(line);
    if (this.#intake.pendingBytes >= this.#parts.limits.flushBytes) this.#flushSoon();
    else this.#flushLater();
  }

  record(invocation: InvocationRecord): void {
    if (this.#isClosed) {
      this.#invocationWriter.lose();
      return;
    }
    this.#invocationWriter.push(invocation);
    if (this.#invocationWriter.pending >= this.#parts.limits.flushInvocations) this.#flushSoon();
    else this.#flushLater();
  }

  async flush(): Promise<void> {
    this.#isReportDue = true;
    await this.#settle();
  }

  async logs(query: LogQuery): Promise<readonly StoredLogLine[]> {
    const { limits, logs } = this.#parts;
    requireLimit(query.limit, limits.queryLinesMax);
    await this.#settle();
    return this.#reading(() =>
      readNewestLogs(query, logs.readable(query.functionId), limits.queryBytesMax),
    );
  }

  async *follow(
    { afterSeq, ...query }: Omit<LogQuery, "limit">,
    signal: AbortSignal,
  ): AsyncGenerator<StoredLogLine> {
    const { limits, logs } = this.#parts;
    if (this.#followers.size >= limits.followersMax) {
      throw new ReactorError(
        "too_many_requests",
        `Cannot follow the log: ${limits.followersMax} followers are the most; end another one first`,
        { retryAfterSecs: 1 },
      );
    }
    const follower = new Follower(query, limits);
    const state = this.#intake.state(query.functionId);
    const leave = (): void => {
      state.followers.delete(follower);
      this.#followers.delete(follower);
      signal.removeEventListener("abort", leave);
      follower.wake();
    };
    // Also for whoever aborts and then never asks for another line.
    signal.addEventListener("abort", leave);
    this.#followers.add(follower);
    state.followers.add(follower);
    try {
      const isOver = (): boolean => signal.aborted || this.#isClosed;
      yield* followLogs({ afterSeq, query, follower, state, segments: logs, isOver });
    } finally {
      leave();
    }
  }

  async invocations(query: InvocationQuery): Promise<readonly InvocationRecord[]> {
    const { limits, invocations } = this.#parts;
    requireLimit(query.limit, limits.queryLinesMax);
    await this.#settle();
    return this.#reading(() =>
      readNewestInvocations(query, invocations.readable(query.functionId), limits.queryBytesMax),
    );
  }

  async usage(query: UsageQuery): Promise<UsageReport> {
    const { clock, index, invocations, limits } = this.#parts;
    return this.#reading(() =>
      readUsage(query, { nowMs: clock.now(), limits, table: index.usage, segments: invocations }),
    );
  }

  get dropped(): Journal["dropped"] {
    return { lines: this.#intake.droppedLines, invocations: this.#invocationWriter.dropped };
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    await this.flush();
    this.#isClosed = true;
    this.#flushTimer?.cancel();
    this.#retaining.cancel();
    for (const follower of this.#followers) follower.wake();
    await this.#running;
    await this.#parts.logs.close();
    await this.#parts.invocations.close();
    this.#parts.index.close();
  }

  #flushLater(): void {
    if (this.#flushTimer !== undefined) return;
    this.#flushTimer = this.#parts.clock.after(this.#parts.limits.flushMs, () => {
      void this.#run();
    });
  }

  #flushSoon(): void {
    if (this.#isFlushSoon) return;
    this.#isFlushSoon = true;
    endOfTurn(() => void this.#run());
  }

  /** Makes everything appended so far readable. */
  async #settle(): Promise<void> {
    await this.#running;
    await this.#run();
  }

  /** One flush at a time; whoever asks while one runs shares it. Never rejects. */
  #run(): Promise<void> {
    this.#flushTimer?.cancel();
    this.#flushTimer = undefined;
    this.#isFlushSoon = false;
    this.#running ??= this.#write().finally(() => {
      this.#running = undefined;
      const isIdle = this.#intake.isEmpty && this.#invocationWriter.pending === 0;
      if (!isIdle && !this.#isClosed) this.#flushLater();
    });
    return this.#running;
  }

  async #write(): Promise<void> {
    const { logs, invocations } = this.#parts;
    const reportAllDrops = this.#isReportDue;
    this.#isReportDue = false;
    try {
      await Promise.all([
        this.#logWriter.write({ reportAllDrops }),
        this.#invocationWriter.write(),
      ]);
      await Promise.all([logs.retain(), invocations.retain()]);
      this.#tidyUsage();
    } catch (error) {
      this.#warn(error, 0);
    }
  }

  /** At start and when a day has passed, a part with each flush until all of it is done. */
  #tidyUsage(): void {
    const { clock, index, limits } = this.#parts;
    const nowMs = clock.now();
    const hoursFromMs = hoursFrom(nowMs, limits.usageHoursMsMax);
    if (hoursFromMs === this.#tidyMs) return;
    const fromMs = hoursFrom(nowMs, limits.usageAgeMsMax);
    if (index.tidyUsage({ hoursFromMs, fromMs })) this.#tidyMs = hoursFromMs;
  }

  async #reading<T>(read: () => Promise<T> | T): Promise<T> {
    try {
      if (this.#isClosed) throw new Error("it is closed");
      return await read();
    } catch (error) {
      if (error instanceof ReactorError) throw error;
      throw new ReactorError("storage_unavailable", `Cannot read the journal: ${String(error)}`, {
        cause: error,
        retryAfterSecs: 1,
      });
    }
  }

  #warn(error: unknown, lost: number): void {
    const nowMs = this.#parts.clock.monotonicMs();
    if (nowMs - this.#warnedMs < warnEveryMs) return;
    this.#warnedMs = nowMs;
    const dropped = this.dropped;
    this.#parts.log.warn("journal: writing failed", { error: String(error), lost, ...dropped });
  }
}

function requireLimit(limit: number, limitMax: number): void {
  if (Number.isInteger(limit) && limit >= 1 && limit <= limitMax) return;
  throw new ReactorError(
    "invalid_request",
    `Cannot read ${limit} lines: the limit must be a whole number from 1 to ${limitMax}`,
  );
}
