import { quantile, type Ratio, ratioOf } from "./statistics.ts";
import { generatorCore, type Subject } from "./subjects.ts";
import { type WrkResult, wrk } from "./wrk.ts";

export interface PairOptions {
  readonly rounds: number;
  readonly warmupSeconds: number;
  readonly seconds: number;
  readonly connections: number;
  readonly pauseMs?: number;
}

export interface PairResult {
  readonly platform: readonly WrkResult[];
  readonly raw: readonly WrkResult[];
  /** Pairs left out because the generator's core was over 90 % busy. */
  readonly dropped: number;
}

const busyMax = 0.9;

/** Sends a nonce and checks that it comes back. */
async function checkNonce(subject: Subject): Promise<void> {
  const nonce = crypto.randomUUID();
  const response = await fetch(subject.url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ nonce }),
  });
  const body = (await response.json()) as { nonce?: string };
  if (body.nonce !== nonce) throw new Error(`${subject.name} did not echo the nonce`);
}

async function served(subject: Subject): Promise<number> {
  const body = (await (await fetch(subject.url)).json()) as { served: number };
  return body.served;
}

/** One measured run; throws when a request failed or the function's own count does not match. */
export async function measure(subject: Subject, options: PairOptions): Promise<WrkResult> {
  const load = {
    url: subject.url,
    connections: options.connections,
    core: generatorCore,
    ...(options.pauseMs === undefined ? {} : { pauseMs: options.pauseMs }),
  };
  if (options.warmupSeconds > 0) await wrk({ ...load, seconds: options.warmupSeconds });
  await checkNonce(subject);
  const before = await served(subject);
  const result = await wrk({ ...load, seconds: options.seconds });
  const count = (await served(subject)) - before;
  await checkNonce(subject);
  if (result.errors > 0) {
    throw new Error(`${subject.name}: ${result.errors} failed requests (${result.errorText})`);
  }
  // wrk abandons at most one request per connection when its time is up, served or not.
  if (count < result.requests || count > result.requests + options.connections) {
    throw new Error(`${subject.name}: served ${count}, generator counted ${result.requests}`);
  }
  return result;
}

/** Measures raw, platform, platform, raw in each round, so that drift of the machine cancels out. */
export async function measurePairs(
  platform: Subject,
  raw: Subject,
  options: PairOptions,
): Promise<PairResult> {
  const kept: { platform: WrkResult; raw: WrkResult }[] = [];
  let dropped = 0;
  for (let round = 0; round < options.rounds; round++) {
    const first = await measure(raw, options);
    const second = await measure(platform, options);
    const third = await measure(platform, options);
    const fourth = await measure(raw, options);
    for (const pair of [
      { platform: second, raw: first },
      { platform: third, raw: fourth },
    ]) {
      if (Math.max(pair.platform.generatorBusy, pair.raw.generatorBusy) > busyMax) dropped += 1;
      else kept.push(pair);
    }
  }
  return {
    platform: kept.map((pair) => pair.platform),
    raw: kept.map((pair) => pair.raw),
    dropped,
  };
}

/** Pairwise ratios platform ÷ raw of one figure. */
export function pairRatio(result: PairResult, figure: (run: WrkResult) => number): Ratio {
  return ratioOf(
    result.platform.map((run, index) => figure(run) / figure(result.raw[index] as WrkResult)),
  );
}

/** Median requests per second of some runs, rounded. */
export function medianRate(runs: readonly WrkResult[]): number {
  return Math.round(
    quantile(
      runs.map((run) => run.requestsPerSecond),
      0.5,
    ),
  );
}
