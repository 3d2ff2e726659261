import type { StoredLogLine } from "../domain/invocation.ts";
import type { Follower } from "./follower.ts";
import type { LogQuery } from "./journal.ts";
import { matchesLogQuery } from "./log-filter.ts";
import type { FunctionLogState } from "./log-intake.ts";
import { readLogsForward } from "./read-logs.ts";
import type { SegmentLog } from "./segment-log.ts";

export interface FollowOptions {
  /** Where to start; undefined for the oldest line there is. */
  readonly afterSeq: number | undefined;
  readonly query: Omit<LogQuery, "limit" | "afterSeq">;
  readonly follower: Follower;
  readonly state: FunctionLogState;
  readonly segments: SegmentLog;
  readonly isOver: () => boolean;
}

/**
 * Stored lines after `afterSeq`, then new ones, each once and in order. Lines that went
 * before they could be read (retention, damage) are told as one platform line with their number.
 */
export async function* followLogs(options: FollowOptions): AsyncGenerator<StoredLogLine> {
  const { afterSeq, follower, state, isOver } = options;
  // A resume point that is ahead of the log, as after a power cut took its end, means "from now".
  const start = afterSeq === undefined ? undefined : Math.min(afterSeq, state.storedSeq);
  while (!isOver()) {
    const line = follower.shift();
    if (line) {
      yield line;
    } else if (follower.mustRead) {
      const position = follower.coveredSeq ?? start;
      const toSeq = state.storedSeq;
      follower.goLive(toSeq);
      yield* catchUp(options, position, toSeq);
    } else {
      await follower.wait();
    }
  }
}

async function* catchUp(
  { query, state, segments, isOver }: FollowOptions,
  position: number | undefined,
  toSeq: number,
): AsyncGenerator<StoredLogLine> {
  const { functionId } = query;
  const range = { afterSeq: position ?? 0, toSeq };
  let expected = position === undefined ? undefined : position + 1;
  let deploymentId = state.deploymentId;
  let atMs = 0;
  for await (const lines of readLogsForward(functionId, range, segments.readable(functionId))) {
    for (const line of lines) {
      if (isOver()) return;
      ({ deploymentId, atMs } = line);
      if (expected !== undefined && line.seq > expected) yield gap(line, line.seq - expected);
      expected = line.seq + 1;
      if (matchesLogQuery(line, query)) yield line;
    }
  }
  if (expected === undefined || expected > toSeq) return;
  const after = { functionId, deploymentId, atMs, seq: toSeq + 1 };
  yield gap(after, toSeq + 1 - expected);
}

/** Stands for `count` lines before the given one; resuming after it goes on with that one. */
function gap(
  before: Pick<StoredLogLine, "functionId" | "deploymentId" | "atMs" | "seq">,
  count: number,
): StoredLogLine {
  return {
    seq: before.seq - 1,
    atMs: before.atMs,
    level: "warn",
    source: "platform",
    functionId: before.functionId,
    deploymentId: before.deploymentId,
    invocationId: undefined,
    requestId: undefined,
    message: `Dropped ${count === 1 ? "1 line" : `${count} lines`}: removed from the journal before they were read`,
  };
}
