import { endOfTurn } from "../base/end-of-turn.ts";
import { addUsage, noUsage } from "../domain/usage.ts";
import type { FunctionUsage, UsageQuery, UsageReport } from "./journal.ts";
import type { JournalLimits } from "./journal-limits.ts";
import type { SegmentLog } from "./segment-log.ts";
import { type AlignedRange, alignRange, hoursFrom } from "./usage-range.ts";
import type { UsageTable } from "./usage-table.ts";

interface UsageSources {
  readonly nowMs: number;
  readonly limits: Pick<JournalLimits, "usageHoursMsMax" | "usageAgeMsMax">;
  readonly table: UsageTable;
  readonly segments: Pick<SegmentLog, "activeUsage">;
}

/** Sums what the table has and what it does not have yet. Throws as `alignRange` does. */
export async function readUsage(query: UsageQuery, sources: UsageSources): Promise<UsageReport> {
  const { nowMs, limits, table } = sources;
  const range = alignRange(query, { nowMs, hoursMsMax: limits.usageHoursMsMax });
  const functions: FunctionUsage[] = [];
  for (const functionId of query.functionIds) {
    functions.push(sumUp(functionId, range, sources));
    await new Promise<void>(endOfTurn);
  }
  const keptSinceMs = hoursFrom(nowMs, limits.usageAgeMsMax);
  const completeSinceMs = Math.max(table.sinceMs, keptSinceMs);
  const { sinceMs, untilMs } = range;
  return { sinceMs, untilMs, completeSinceMs, functions };
}

function sumUp(
  functionId: string,
  range: AlignedRange,
  { table, segments }: UsageSources,
): FunctionUsage {
  const { sinceMs, untilMs, stepMs } = range;
  const active = segments.activeUsage;
  // Ids of segments begin at 1.
  const exceptSegment = active?.id ?? -1;
  const steps = new Map(
    table
      .steps({ functionId, ...range, exceptSegment })
      .map(({ fromMs, sums }) => [fromMs, sums] as const),
  );
  for (const { fromMs, sums } of active?.usage.of(functionId) ?? []) {
    if (fromMs < sinceMs || fromMs >= untilMs) continue;
    const step = Math.floor(fromMs / stepMs) * stepMs;
    steps.set(step, addUsage(steps.get(step) ?? noUsage, sums));
  }
  const inOrder = [...steps].toSorted(([a], [b]) => a - b);
  return {
    total: inOrder.reduce((sum, [, sums]) => addUsage(sum, sums), noUsage),
    steps: inOrder.map(([fromMs, sums]) => ({ fromMs, sums })),
  };
}
