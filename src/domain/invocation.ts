import type { LogLevel } from "../base/log.ts";
import type { Allotment } from "./usage.ts";

/** One line of a function's log. */
export interface LogLine {
  readonly atMs: number;
  readonly level: LogLevel;
  /** `log`: ctx.log and console; `stdout`/`stderr`: raw output; `platform`: Reactor itself. */
  readonly source: "log" | "stdout" | "stderr" | "platform";
  readonly functionId: string;
  readonly deploymentId: string;
  /** Absent for output that belongs to no request, such as start-up. */
  readonly invocationId: string | undefined;
  readonly requestId: string | undefined;
  readonly message: string;
}

/** A stored log line: `seq` rises by one per function, so that a follower can resume after it. */
export interface StoredLogLine extends LogLine {
  readonly seq: number;
}

/** What is kept of one invocation. */
export interface InvocationRecord {
  readonly id: string;
  readonly requestId: string;
  readonly functionId: string;
  readonly deploymentId: string;
  readonly revision: number;
  readonly method: string;
  readonly startedAtMs: number;
  /** From the request's head to the end of the answer, waiting and starting included. */
  readonly durationMs: number;
  /** Of that, the time on its instance; 0 when it never reached one. Undefined in records of old. */
  readonly runMs: number | undefined;
  /** What that instance was given; undefined when there was none. */
  readonly allotment: Allotment | undefined;
  readonly status: number;
  readonly errorCode: string | undefined;
  readonly cold: boolean;
  readonly bytesIn: number;
  readonly bytesOut: number;
}
