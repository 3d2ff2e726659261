import type { InvocationRecord, LogLine, StoredLogLine } from "../domain/invocation.ts";
import type { LogLevel } from "../base/log.ts";

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
  /** Lines and records dropped since start. */
  readonly dropped: { readonly lines: number; readonly invocations: number };
  close(): Promise<void>;
}
