import { type BareSandbox, openBareSandbox } from "../bare-sandbox.ts";
import { openConnection } from "../connection.ts";
import type { Effort, FigureRow } from "../figure.ts";
import { round3 } from "../figure.ts";
import { bareBunClient, benchRuntime } from "../runtimes.ts";
import { quantile, ratioOf } from "../statistics.ts";
import { sharedNowMs, startSteadyLoad } from "../steady-load.ts";
import { type ReactorSubject, startRawBun, startReactor, type Subject } from "../subjects.ts";

/** The gate. */
const ratioMax = 3;
/** About 1000 requests/s on the old version while the new one is deployed, on both sides. */
const load = { connections: 8, pauseMs: 7 };
/** The load runs this long before each measurement and after each promote. */
const settleMs = 400;

/**
 * Figure 7: from the push of 10 kB and of 5 MB (digest, archive, upload, checks, bundling, proof,
 * durable storage, promote) until the first byte from the new version ÷ the bare way: write the file,
 * spawn it in the same sandbox, first byte. Both under load on an old version. The load must see no
 * failure, and no answer of the old version to a request that was sent after the promote returned.
 */
export async function deployToLive(effort: Effort): Promise<readonly FigureRow[]> {
  const platform = await startReactor({ pinned: false });
  try {
    return [
      await deployRow("7a", "10 kB", 10_000, platform, effort.rounds * 4),
      await deployRow("7b", "5 MB", 5_000_000, platform, effort.rounds * 2),
    ];
  } finally {
    await platform.stop();
  }
}

async function deployRow(
  figure: string,
  size: string,
  bytes: number,
  platform: ReactorSubject,
  samples: number,
): Promise<FigureRow> {
  const name = `live-${figure}`;
  await platform.client.createFunction({ name, runtime: "bun" });
  await push(platform, name, versionSource(0, bytes));
  const old = await startRawBun();
  const bare = await openBareSandbox(benchRuntime("bun"), bareBunClient(versionSource(0, bytes)));
  const bareMs: number[] = [];
  const lives: Live[] = [];
  try {
    // In turn, so that drift of the machine meets both sides.
    for (let version = 1; version <= samples; version++) {
      bareMs.push(await bareSample(bare, old, versionSource(version, bytes)));
      lives.push(await liveSample(platform, name, version, bytes));
    }
  } finally {
    await bare.close();
    await old.stop();
  }
  return row(figure, size, bareMs, lives);
}

interface Live {
  readonly ms: number;
  readonly requests: number;
  readonly failed: number;
  /** Answers of the old version to requests that were sent after the promote returned. */
  readonly stale: number;
}

async function liveSample(
  platform: ReactorSubject,
  name: string,
  version: number,
  bytes: number,
): Promise<Live> {
  const port = Number(new URL(platform.serverUrl).port);
  const path = `/fn/v1/${name}`;
  const source = versionSource(version, bytes);
  const steady = await startSteadyLoad({ port, path, ...load });
  const connection = await openConnection(port);
  await Bun.sleep(settleMs);
  const startedAtMs = performance.now();
  await push(platform, name, source);
  const promotedAtMs = sharedNowMs();
  const answer = await connection.get(path);
  const ms = answer.firstByteAtMs - startedAtMs;
  connection.close();
  await Bun.sleep(settleMs);
  const answers = await steady.stop();
  if (answer.status !== 200 || answer.body !== `v${version}`) {
    throw new Error(`Version ${version} answered ${answer.status} ${answer.body}`);
  }
  const late = answers.filter((one) => one.startedAtMs >= promotedAtMs);
  return {
    ms,
    requests: answers.length,
    failed: answers.filter(({ status }) => status !== 200).length,
    stale: late.filter(({ status, body }) => status === 200 && body !== `v${version}`).length,
  };
}

/** The bare way, beside a raw server that has the same load. */
async function bareSample(bare: BareSandbox, old: Subject, source: string): Promise<number> {
  const port = Number(new URL(old.url).port);
  const steady = await startSteadyLoad({ port, path: "/", ...load });
  await Bun.sleep(settleMs);
  const ms = await bare.deployMs(bareBunClient(source));
  await steady.stop();
  return ms;
}

function row(
  figure: string,
  size: string,
  bareMs: readonly number[],
  lives: readonly Live[],
): FigureRow {
  const ratios = ratioOf(lives.map(({ ms }, i) => ms / (bareMs[i] as number)));
  const total = (count: (live: Live) => number): number =>
    lives.reduce((sum, live) => sum + count(live), 0);
  const failed = total((live) => live.failed);
  const stale = total((live) => live.stale);
  const liveMs = quantile(
    lives.map(({ ms }) => ms),
    0.5,
  );
  return {
    figure,
    what: `push of ${size} until the first 200 ÷ bare copy, sandboxed spawn and first byte`,
    ratio: round3(ratios.median),
    min: round3(ratios.min),
    max: round3(ratios.max),
    gate: `<= ${ratioMax.toFixed(1)}, 0 failed, 0 old`,
    passed: ratios.median <= ratioMax && failed === 0 && stale === 0,
    note: `${liveMs.toFixed(0)} / ${quantile(bareMs, 0.5).toFixed(0)} ms over ${lives.length} deploys; of ${total((live) => live.requests)} requests meanwhile ${failed} failed, ${stale} got the old version after promote returned`,
  };
}

async function push(platform: ReactorSubject, name: string, source: string): Promise<void> {
  const manifest = JSON.stringify({ name, runtime: "bun", access: "public" });
  const files = new Map([
    ["index.js", Buffer.from(source)],
    ["reactor.json", Buffer.from(manifest)],
  ]);
  const deployment = await platform.client.deploy(name, { files, promote: true });
  if (deployment.status !== "ready") throw new Error(`${name}: ${JSON.stringify(deployment)}`);
}

/** A program of about `bytes` bytes whose functions are all kept, and which answers its version. */
function versionSource(version: number, bytes: number): string {
  const lines = ["const table = ["];
  let length = 0;
  let seed = version + 1;
  while (length < bytes - 150) {
    seed = (seed * 48_271) % 2_147_483_647;
    const name = seed.toString(36);
    const line = `  function f_${name}(value) { return value === ${seed} ? "${name}:" + value : { ${name.replace(/^\d/, "k")}: value * ${seed % 997} }; },`;
    lines.push(line);
    length += line.length + 1;
  }
  lines.push("];");
  return `${lines.join("\n")}
export default { fetch: () => new Response(table.length > 0 ? "v${version}" : "none") };
`;
}
