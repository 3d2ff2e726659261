import type { InvocationRecord, LogLine, StoredLogLine } from "../../domain/invocation.ts";
import { addUsage, noUsage } from "../../domain/usage.ts";
import { UsageByHour } from "../../journal/usage-by-hour.ts";
import type { InvocationQuery, Journal, LogQuery } from "../../journal/journal.ts";

/** A journal in memory that keeps everything and follows nothing beyond what is there. */
export function createMemoryJournal(): Journal & {
  readonly lines: readonly StoredLogLine[];
} {
  const lines: StoredLogLine[] = [];
  const invocations: InvocationRecord[] = [];
  const matching = (query: Omit<LogQuery, "limit">): StoredLogLine[] =>
    lines.filter(
      (line) => line.functionId === query.functionId && line.seq > (query.afterSeq ?? 0),
    );
  return {
    lines,
    dropped: { lines: 0, invocations: 0 },
    log(line: LogLine) {
      lines.push({ ...line, seq: lines.length + 1 });
    },
    record: (invocation) => void invocations.push(invocation),
    flush: () => Promise.resolve(),
    logs: (query) => Promise.resolve(matching(query).slice(-query.limit)),
    async *follow(query) {
      yield* matching(query);
    },
    invocations: (query: InvocationQuery) =>
      Promise.resolve(
        invocations
          .filter(
            (record) => query.functionId === undefined || record.functionId === query.functionId,
          )
          .filter((record) => query.id === undefined || record.id === query.id)
          .toReversed()
          .slice(0, query.limit),
      ),
    usage({ functionIds, sinceMs, untilMs }) {
      const usage = new UsageByHour();
      for (const record of invocations) usage.add(record);
      const functions = functionIds.map((functionId) => {
        const steps = [...usage.of(functionId)];
        return { steps, total: steps.reduce((sum, { sums }) => addUsage(sum, sums), noUsage) };
      });
      return Promise.resolve({ sinceMs, untilMs, completeSinceMs: 0, functions });
    },
    close: () => Promise.resolve(),
  };
}
