import type { Effort, FigureRow } from "../figure.ts";
import { round3 } from "../figure.ts";
import { type BareSandbox, openBareSandbox } from "../bare-sandbox.ts";
import { type Connection, openConnection } from "../connection.ts";
import { reactorProcesses } from "../memory.ts";
import { benchRuntime } from "../runtimes.ts";
import { quantile, ratioOf } from "../statistics.ts";
import { deploySource, type ReactorSubject, startReactor } from "../subjects.ts";

const source = `export default { fetch: () => new Response("hello") };`;
const width = 256;
/** Long enough to refill a pool of 128 blanks, one at a time; shorter than the pool remembers. */
const refillMs = 5000;

/**
 * Figure 4: 256 idle functions hit within 10 ms (4a), and one function hit by 256 first requests
 * (4b): time until all answered ÷ time for the bare runtime to spawn 256 processes in the same
 * sandbox and answer. 4c is 4a with a pool that does not grow with demand, so that what the blanks
 * that are ready give can be told from what a start costs. Bare and platform in turn, each bare
 * burst being the median of the ones around it.
 */
export async function burst(effort: Effort): Promise<readonly FigureRow[]> {
  const bare = await openBareSandbox(benchRuntime("bun"));
  try {
    const rounds = effort.rounds >= 3 ? 2 : 1;
    const grown = await measureBursts(bare, rounds, undefined);
    const small = await measureBursts(bare, 1, { REACTOR_FUNCTIONS_BUN_BLANK_INSTANCES_MAX: "2" });
    return [
      row("4a", "burst: 256 idle functions ÷ 256 bare sandboxed starts", grown.many, true),
      row("4b", "burst: one function, 256 first requests ÷ the same", grown.one, true),
      row("4c", "4a with the smallest pool of blanks ÷ the same", small.many, false),
    ];
  } finally {
    await bare.close();
  }
}

interface Burst {
  readonly ms: number;
  readonly bareMs: number;
  /** Blanks that waited when it came. */
  readonly blanks: number;
}

interface Bursts {
  readonly many: readonly Burst[];
  readonly one: readonly Burst[];
}

async function measureBursts(
  bare: BareSandbox,
  rounds: number,
  env: Readonly<Record<string, string>> | undefined,
): Promise<Bursts> {
  const many: Burst[] = [];
  const one: Burst[] = [];
  for (let round = 0; round < rounds; round++) {
    const before = await bare.burstMs(width);
    const platform = await startReactor({ pinned: false, ...(env === undefined ? {} : { env }) });
    try {
      const names = Array.from({ length: width }, (_, i) => `burst-${i}`);
      for (const name of names) await deploySource(platform.client, name, source);
      await deploySource(platform.client, "one", source, {
        concurrency: { per_instance: 32, max_instances: 8, max_concurrency: 256, queue_ms: 10_000 },
      });
      await Bun.sleep(refillMs);
      const blanks = reactorProcesses(platform.pid).sandboxes.length;
      const manyMs = await hitAll(platform, names);
      await Bun.sleep(refillMs);
      const oneMs = await hitAll(
        platform,
        Array.from({ length: width }, () => "one"),
      );
      await Bun.sleep(refillMs);
      const bareMs = (before + (await bare.burstMs(width))) / 2;
      many.push({ ms: manyMs, bareMs, blanks });
      one.push({ ms: oneMs, bareMs, blanks });
    } finally {
      await platform.stop();
    }
  }
  return { many, one };
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

function row(figure: string, what: string, bursts: readonly Burst[], gated: boolean): FigureRow {
  const ratios = ratioOf(bursts.map(({ ms, bareMs }) => ms / bareMs));
  const middle = (value: (burst: Burst) => number): number => quantile(bursts.map(value), 0.5);
  return {
    figure,
    what,
    ratio: round3(ratios.median),
    min: round3(ratios.min),
    max: round3(ratios.max),
    gate: gated ? "<= 1.0, 0 errors" : "shown",
    passed: !gated || ratios.median <= 1,
    note: `${middle(({ ms }) => ms).toFixed(0)} / ${middle(({ bareMs }) => bareMs).toFixed(0)} ms, 0 errors; ${middle(({ blanks }) => blanks)} blanks waited before 4a`,
  };
}
