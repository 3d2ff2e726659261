import type { Effort, FigureRow } from "../figure.ts";
import { round3 } from "../figure.ts";
import { measurePairs, pairRatio, medianRate } from "../pairs.ts";
import {
  type Subject,
  startFunctionsFramework,
  startNginx,
  startRawNode,
  startReactor,
  startWorkerd,
} from "../subjects.ts";

interface Peer {
  readonly start: () => Promise<Subject>;
  /** First gate on Reactor ÷ peer; undefined: shown only. */
  readonly gate: number | undefined;
}

const peers: readonly Peer[] = [
  { start: startWorkerd, gate: 1 },
  { start: startFunctionsFramework, gate: 1 },
  { start: startNginx, gate: 1 },
  { start: startRawNode, gate: undefined },
];

/** Figure 8: the same echo at c=64 through each peer. */
export async function peerFigures(effort: Effort): Promise<readonly FigureRow[]> {
  const platform = await startReactor();
  const rows: FigureRow[] = [];
  try {
    for (const peer of peers) {
      const subject = await peer.start();
      try {
        const rounds = Math.max(1, Math.floor(effort.rounds / 2));
        const pairs = await measurePairs(platform, subject, { ...effort, rounds, connections: 64 });
        const ratio = pairRatio(pairs, (run) => run.requestsPerSecond);
        rows.push({
          figure: "8",
          what: `requests/s ÷ ${subject.name}`,
          ratio: round3(ratio.median),
          min: round3(ratio.min),
          max: round3(ratio.max),
          gate: peer.gate === undefined ? "shown" : "> 1.0",
          passed: peer.gate === undefined || ratio.median > peer.gate,
          note: `${medianRate(pairs.platform)} / ${medianRate(pairs.raw)} requests/s`,
        });
      } finally {
        await subject.stop();
      }
    }
    return rows;
  } finally {
    await platform.stop();
  }
}
