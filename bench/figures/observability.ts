import type { Effort, FigureRow } from "../figure.ts";
import { round3 } from "../figure.ts";
import { measurePairs, pairRatio, medianRate } from "../pairs.ts";
import { startReactor } from "../subjects.ts";

/** Figure 6: requests/s with logs, metrics, ids and usage on ÷ all off. */
export async function observability(effort: Effort): Promise<readonly FigureRow[]> {
  const on = await startReactor({ name: "Reactor, observability on" });
  const off = await startReactor({
    name: "Reactor, observability off",
    env: { REACTOR_OBSERVABILITY: "false" },
  });
  try {
    const pairs = await measurePairs(on, off, { ...effort, connections: 64 });
    const ratio = pairRatio(pairs, (run) => run.requestsPerSecond);
    return [
      {
        figure: "6",
        what: "observability on ÷ off, requests/s",
        ratio: round3(ratio.median),
        min: round3(ratio.min),
        max: round3(ratio.max),
        gate: ">= 0.85",
        passed: ratio.median >= 0.85,
        note: `${medianRate(pairs.platform)} / ${medianRate(pairs.raw)} requests/s`,
      },
    ];
  } finally {
    await on.stop();
    await off.stop();
  }
}
