import type { Effort, FigureRow } from "../figure.ts";
import { round3 } from "../figure.ts";
import { openBareSandbox } from "../bare-sandbox.ts";
import { type Connection, openConnection } from "../connection.ts";
import { deploySource, type ReactorSubject, startReactor } from "../subjects.ts";

const source = `export default { fetch: () => new Response("hello") };`;
const width = 256;

/**
 * Figure 4: 256 idle functions hit within 10 ms, and one function hit by 256 first requests: time
 * until all answered ÷ time for the bare sandboxed runtime to spawn 256 processes and answer.
 */
export async function burst(_effort: Effort): Promise<readonly FigureRow[]> {
  const platform = await startReactor({ pinned: false });
  const bare = await openBareSandbox(source);
  try {
    const names = Array.from({ length: width }, (_, i) => `burst-${i}`);
    for (const name of names) await deploySource(platform.client, name, source);
    await deploySource(platform.client, "one", source, {
      concurrency: { per_instance: 32, max_instances: 8, max_concurrency: 256, queue_ms: 10_000 },
    });
    await Bun.sleep(2000);
    const manyMs = await hitAll(platform, names);
    await Bun.sleep(2000);
    const oneMs = await hitAll(
      platform,
      Array.from({ length: width }, () => "one"),
    );
    await Bun.sleep(2000);
    const bareMs = await bare.burstMs(width);
    return [
      row("4a", "burst: 256 idle functions ÷ 256 bare sandboxed starts", manyMs, bareMs, true),
      row("4b", "burst: one function, 256 first requests ÷ the same", oneMs, bareMs, true),
    ];
  } finally {
    await bare.close();
    await platform.stop();
  }
}

async function hitAll(platform: ReactorSubject, names: readonly string[]): Promise<number> {
  const port = Number(new URL(platform.serverUrl).port);
  const connections: Connection[] = await Promise.all(names.map(() => openConnection(port)));
  const startedAtMs = performance.now();
  const answers = connections.map((connection, i) => connection.get(`/fn/v1/${names[i]}`));
  const results = await Promise.all(answers);
  const endedAtMs = performance.now();
  for (const connection of connections) connection.close();
  const wrong = results.filter((answer) => answer.status !== 200 || !answer.body.includes("hello"));
  if (wrong.length > 0) {
    throw new Error(
      `${wrong.length} of ${names.length} failed, first: ${JSON.stringify(wrong[0])}`,
    );
  }
  return endedAtMs - startedAtMs;
}

function row(figure: string, what: string, ms: number, bareMs: number, gated: boolean): FigureRow {
  const ratio = round3(ms / bareMs);
  return {
    figure,
    what,
    ratio,
    min: ratio,
    max: ratio,
    gate: gated ? "<= 1.0, 0 errors" : "shown",
    passed: ratio <= 1,
    note: `${ms.toFixed(0)} / ${bareMs.toFixed(0)} ms, 0 errors`,
  };
}
