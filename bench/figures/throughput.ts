import type { Effort, FigureRow } from "../figure.ts";
import { figureOf, round3 } from "../figure.ts";
import { measurePairs, pairRatio, medianRate } from "../pairs.ts";
import type { BenchRuntime } from "../runtimes.ts";
import { startRaw, startReactor } from "../subjects.ts";

/** Figure 1: 1 kB JSON echo at c=64, Reactor ÷ the runtime's own server on the same core. */
export async function throughput(
  effort: Effort,
  runtime: BenchRuntime,
): Promise<readonly FigureRow[]> {
  const raw = await startRaw(runtime);
  const platform = await startReactor({ runtime });
  try {
    const pairs = await measurePairs(platform, raw, { ...effort, connections: 64 });
    const ratio = pairRatio(pairs, (run) => run.requestsPerSecond);
    return [
      {
        figure: figureOf("1", runtime),
        what: `throughput, 1 kB JSON echo, c=64, ÷ ${runtime.raw.name}`,
        ratio: round3(ratio.median),
        min: round3(ratio.min),
        max: round3(ratio.max),
        gate: runtime.name === "bun" ? ">= 0.50" : "shown",
        passed: runtime.name !== "bun" || ratio.median >= 0.5,
        note: `${medianRate(pairs.platform)} / ${medianRate(pairs.raw)} requests/s; ${pairs.dropped} pairs dropped`,
      },
    ];
  } finally {
    await platform.stop();
    await raw.stop();
  }
}
