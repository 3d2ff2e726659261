import type { InvocationRecord, LogLine, StoredLogLine } from "../domain/invocation.ts";
import type { LogLevel } from "../base/log.ts";
import type { UsageStep, UsageSums } from "../domain/usage.ts";

export interface LogQuery {
  readonly functionId: string;
  /** Only lines after this sequence number. */
  readonly afterSeq?: number;
  readonly sinceMs?: number;
  readonly levels?: readonly LogLevel[];
  readonly requestId?: string;
  readonly deploymentId?: string;
  /** The newest `limit` lines that match, oldest first. */
  readonly limit: number;
}

export interface InvocationQuery {
  readonly functionId?: string;
  readonly requestId?: string;
  readonly id?: string;
  readonly sinceMs?: number;
  /** The newest `limit` that match, newest first. */
  readonly limit: number;
}

/** Which invocations of which functions are summed: those that came in from `sinceMs` and before `untilMs`. */
export interface UsageQuery {
  readonly functionIds: readonly string[];
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly step: UsageStep;
}

/** What one function used. */
export interface FunctionUsage {
  readonly total: UsageSums;
  /** The steps in which it was invoked, oldest first; in UTC. */
  readonly steps: readonly { readonly fromMs: number; readonly sums: UsageSums }[];
}

export interface UsageReport {
  /** The range that was summed: that of the query, widened to what is kept. */
  readonly sinceMs: number;
  readonly untilMs: number;
  /** From then on every record that was written is counted; before, some may be missing. */
  readonly completeSinceMs: number;
  /** In the order of the query. */
  readonly functions: readonly FunctionUsage[];
}

/**
 * Function logs and invocation records: appended in memory, written to NDJSON segments in batches
 * off the invocation path, rotated and retained by size and age.
 */
export interface Journal {
  /** Never waits and never throws. Beyond the buffer's bound lines are dropped, counted and reported as one platform line. */
  log(line: LogLine): void;
  record(invocation: InvocationRecord): void;
  /** Resolves when everything appended so far can be read. */
  flush(): Promise<void>;
  logs(query: LogQuery): Promise<readonly StoredLogLine[]>;
  /** Stored lines after `afterSeq`, then new ones as they come, each once and in order, until the signal aborts. */
  follow(query: Omit<LogQuery, "limit">, signal: AbortSignal): AsyncIterable<StoredLogLine>;
  invocations(query: InvocationQuery): Promise<readonly InvocationRecord[]>;
  /**
   * Sums over the records, those that are removed by now included; the cost is that of the hours
   * and days, not of the records, and others have their turn after each function. Throws
   * `invalid_request` for a range that is none. Call `flush` first for what was recorded just now.
   */
  usage(query: UsageQuery): Promise<UsageReport>;
  /** Lines and records dropped since start. */
  readonly dropped: { readonly lines: number; readonly invocations: number };
  close(): Promise<void>;
}
