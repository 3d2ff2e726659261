import type { Effort, FigureRow } from "../figure.ts";
import { round3 } from "../figure.ts";
import { measurePairs, pairRatio, medianRate } from "../pairs.ts";
import { startRawBun, startReactor } from "../subjects.ts";

/** Figure 1: 1 kB JSON echo at c=64, Reactor ÷ raw `Bun.serve` on the same core. */
export async function throughput(effort: Effort): Promise<readonly FigureRow[]> {
  const raw = await startRawBun();
  const platform = await startReactor();
  try {
    const pairs = await measurePairs(platform, raw, { ...effort, connections: 64 });
    const ratio = pairRatio(pairs, (run) => run.requestsPerSecond);
    return [
      {
        figure: "1",
        what: "throughput, 1 kB JSON echo, c=64, ÷ raw Bun.serve",
        ratio: round3(ratio.median),
        min: round3(ratio.min),
        max: round3(ratio.max),
        gate: ">= 0.50",
        passed: ratio.median >= 0.5,
        note: `${medianRate(pairs.platform)} / ${medianRate(pairs.raw)} requests/s; ${pairs.dropped} pairs dropped`,
      },
    ];
  } finally {
    await platform.stop();
    await raw.stop();
  }
}
