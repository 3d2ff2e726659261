import type { Effort, FigureRow } from "../figure.ts";
import { figureOf, round3 } from "../figure.ts";
import {
  measure,
  measurePairs,
  type PairOptions,
  type PairResult,
  pairRatio,
  medianRate,
} from "../pairs.ts";
import { quantile } from "../statistics.ts";
import type { BenchRuntime } from "../runtimes.ts";
import { startRaw, startReactor } from "../subjects.ts";
import type { WrkResult } from "../wrk.ts";

/**
 * Figure 2: p50 at c=1, and p99 at half of the raw server's capacity, each ÷ those of the runtime's own server. 2c is
 * the p99 at half of Reactor's own capacity: where 2b exceeds that capacity it shows a full queue,
 * 2c shows latency.
 */
export async function latency(
  effort: Effort,
  runtime: BenchRuntime,
): Promise<readonly FigureRow[]> {
  const raw = await startRaw(runtime);
  const platform = await startReactor({ runtime });
  const by = runtime.raw.name;
  const gate = (most: number): number | undefined => (runtime.name === "bun" ? most : undefined);
  try {
    const single = await measurePairs(platform, raw, { ...effort, connections: 1 });
    const capacity = await measure(raw, { ...effort, connections: 64 });
    const own = await measure(platform, { ...effort, connections: 64 });
    const loaded = await measurePairs(platform, raw, halfOf(capacity, effort));
    const ownLoaded = await measurePairs(platform, raw, halfOf(own, effort));
    const p50 = (run: WrkResult): number => run.p50Us;
    const p99 = (run: WrkResult): number => run.p99Us;
    const ownHalf = `p99 at half of Reactor's own capacity ÷ ${by}`;
    const rows = [
      row("2a", `warm p50 at c=1 ÷ ${by}`, gate(2), single, p50),
      row("2b", `p99 at half of raw capacity ÷ ${by}`, gate(3), loaded, p99),
      row("2c", ownHalf, undefined, ownLoaded, p99),
    ];
    const [warm] = rows;
    return rows.map((each) => ({
      ...each,
      figure: figureOf(each.figure, runtime),
      note: each === warm ? `${each.note}; ${runtime.sourceSays.warm}` : each.note,
    }));
  } finally {
    await platform.stop();
    await raw.stop();
  }
}

/** Each connection sends one request per pause, so this many make half of the capacity. */
function halfOf(capacity: WrkResult, effort: Effort): PairOptions {
  const connections = Math.max(1, Math.round(capacity.requestsPerSecond / 2 / 1000));
  return { ...effort, connections, pauseMs: 1 };
}

function row(
  figure: string,
  what: string,
  gate: number | undefined,
  pairs: PairResult,
  value: (run: WrkResult) => number,
): FigureRow {
  const ratio = pairRatio(pairs, value);
  const median = (runs: readonly WrkResult[]): number => Math.round(quantile(runs.map(value), 0.5));
  return {
    figure,
    what,
    ratio: round3(ratio.median),
    min: round3(ratio.min),
    max: round3(ratio.max),
    gate: gate === undefined ? "shown" : `<= ${gate.toFixed(1)}`,
    passed: gate === undefined || ratio.median <= gate,
    note: `${median(pairs.platform)} / ${median(pairs.raw)} µs at ${medianRate(pairs.platform)} / ${medianRate(pairs.raw)} requests/s; ${pairs.dropped} pairs dropped`,
  };
}
