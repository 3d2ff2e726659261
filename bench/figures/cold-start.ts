import type { Effort, FigureRow } from "../figure.ts";
import { figureOf, round3 } from "../figure.ts";
import { openConnection } from "../connection.ts";
import { openBareSandbox } from "../bare-sandbox.ts";
import { quantile } from "../statistics.ts";
import type { BenchRuntime } from "../runtimes.ts";
import { deployOn, type ReactorSubject, startReactor } from "../subjects.ts";

/** Between samples both sides are quiet, so that neither pays for the other's cleanup or refill. */
const quietMs = 60;

/**
 * Figure 3: first byte of a deployed, never loaded function ÷ spawn to first byte of the same code
 * in the same sandbox without Reactor. 3a pauses between functions, 3b hits them back to back.
 */
export async function coldStart(
  effort: Effort,
  runtime: BenchRuntime,
): Promise<readonly FigureRow[]> {
  const platform = await startReactor({ pinned: false });
  const bare = await openBareSandbox(runtime);
  try {
    const paced = Array.from({ length: effort.functions }, (_, i) => `paced-${i}`);
    const packed = Array.from({ length: effort.functions }, (_, i) => `packed-${i}`);
    for (const name of [...paced, ...packed]) {
      await deployOn(runtime, platform.client, name, runtime.hello);
    }
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
    const row = rowsOf(runtime, bareMs);
    return [
      row("3", "cold start p50, one at a time", coldMs, 0.5, runtime.coldGate),
      row("3", "cold start p99, one at a time", coldMs, 0.99, undefined),
      row("3b", "cold start p50, back to back", packedMs, 0.5, undefined),
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

function rowsOf(runtime: BenchRuntime, bareMs: readonly number[]) {
  return (
    figure: string,
    what: string,
    platformMs: readonly number[],
    q: number,
    gate: number | undefined,
  ): FigureRow => {
    const ratio = quantile(platformMs, q) / quantile(bareMs, q);
    const { cold } = runtime.sourceSays;
    return {
      figure: figureOf(figure, runtime),
      what: `${what} ÷ bare sandboxed start${runtime.name === "bun" ? "" : ` of ${runtime.name}`}`,
      ratio: round3(ratio),
      min: round3(quantile(platformMs, 0) / quantile(bareMs, 0)),
      max: round3(quantile(platformMs, 1) / quantile(bareMs, 1)),
      gate: gate === undefined ? "shown" : `<= ${gate.toFixed(1)}`,
      passed: gate === undefined || ratio <= gate,
      note: `${quantile(platformMs, q).toFixed(1)} / ${quantile(bareMs, q).toFixed(1)} ms over ${platformMs.length} functions; ${cold}`,
    };
  };
}
