import type { Effort, FigureRow } from "../figure.ts";
import { round3 } from "../figure.ts";
import { openConnection } from "../connection.ts";
import { openBareSandbox } from "../bare-sandbox.ts";
import { quantile } from "../statistics.ts";
import { deploySource, type ReactorSubject, startReactor } from "../subjects.ts";

const gate = 0.5;
const source = `export default { fetch: () => new Response("hello") };`;
/** Between samples both sides are quiet, so that neither pays for the other's cleanup or refill. */
const quietMs = 60;

/**
 * Figure 3: first byte of a deployed, never loaded function ÷ spawn to first byte of the same code
 * in the same sandbox without Reactor. 3a pauses between functions, 3b hits them back to back.
 */
export async function coldStart(effort: Effort): Promise<readonly FigureRow[]> {
  const platform = await startReactor({ pinned: false });
  const bare = await openBareSandbox(source);
  try {
    const paced = Array.from({ length: effort.functions }, (_, i) => `paced-${i}`);
    const packed = Array.from({ length: effort.functions }, (_, i) => `packed-${i}`);
    for (const name of [...paced, ...packed]) await deploySource(platform.client, name, source);
    const coldMs: number[] = [];
    const bareMs: number[] = [];
    for (const name of paced) {
      await Bun.sleep(quietMs);
      coldMs.push(await coldSample(platform, name));
      await Bun.sleep(quietMs);
      bareMs.push(await bare.sampleMs());
    }
    const packedMs: number[] = [];
    for (const name of packed) packedMs.push(await coldSample(platform, name));
    return [
      row("3", "cold start p50, one at a time ÷ bare sandboxed start", coldMs, bareMs, 0.5, true),
      row("3", "cold start p99, one at a time ÷ bare sandboxed start", coldMs, bareMs, 0.99, false),
      row(
        "3b",
        "cold start p50, back to back ÷ bare sandboxed start",
        packedMs,
        bareMs,
        0.5,
        false,
      ),
    ];
  } finally {
    await bare.close();
    await platform.stop();
  }
}

async function coldSample(platform: ReactorSubject, name: string): Promise<number> {
  const connection = await openConnection(Number(new URL(platform.serverUrl).port));
  try {
    const startedAtMs = performance.now();
    const answer = await connection.get(`/fn/v1/${name}`);
    if (answer.status !== 200 || !answer.body.includes("hello")) {
      throw new Error(`${name} answered ${answer.status} ${answer.body}`);
    }
    return answer.firstByteAtMs - startedAtMs;
  } finally {
    connection.close();
  }
}

function row(
  figure: string,
  what: string,
  platformMs: readonly number[],
  bareMs: readonly number[],
  q: number,
  gated: boolean,
): FigureRow {
  const ratio = quantile(platformMs, q) / quantile(bareMs, q);
  return {
    figure,
    what,
    ratio: round3(ratio),
    min: round3(quantile(platformMs, 0) / quantile(bareMs, 0)),
    max: round3(quantile(platformMs, 1) / quantile(bareMs, 1)),
    gate: gated ? `<= ${gate.toFixed(1)}` : "shown",
    passed: !gated || ratio <= gate,
    note: `${quantile(platformMs, q).toFixed(1)} / ${quantile(bareMs, q).toFixed(1)} ms over ${platformMs.length} functions; the source text says ~200 ms`,
  };
}
