import { type BareWorkers, type FirstCall, openBareWorkers, type Script } from "../bare-workers.ts";
import { type Connection, openConnection } from "../connection.ts";
import type { Effort, FigureRow } from "../figure.ts";
import { round3 } from "../figure.ts";
import { quantile, ratioOf } from "../statistics.ts";
import { type ReactorSubject, startReactor } from "../subjects.ts";

const script: Script = {
  code: `function handler(data) { return { message: "Hello, " + data.name }; }`,
  input: { name: "you" },
  answer: { message: "Hello, you" },
};
/** Between samples both sides are quiet, so that neither pays for the other's cleanup or refill. */
const quietMs = 60;
const warmCalls = 200;
/** Deploys before the clock runs: the first one starts the pod. */
const warmUps = 3;
const isolation = "Reactor's in a sandboxed pod (isolation `worker`), the bare one in no sandbox";

/**
 * Figures 3w and 2w: Deno workers through the worker family's API beside a bare Deno program that
 * makes a Web Worker from the same code. 3w is a deploy until its 201, and until the first 200 of
 * /invoke, ÷ the bare worker's ready message and first answer; 2w is the p50 of a warm call at c=1 ÷
 * that of a message to the bare worker and back. In turn, so that drift of the machine meets both.
 */
export async function workers(effort: Effort): Promise<readonly FigureRow[]> {
  const platform = await startReactor({ pinned: false });
  const bare = openBareWorkers(script);
  const connection = await openConnection(Number(new URL(platform.serverUrl).port));
  try {
    const api = workerApi(platform, connection);
    for (let i = 0; i < warmUps; i++) await api.first(`warm-up-${i}`);
    const firsts = await measureFirsts(api, bare, effort.functions);
    const warm = await measureWarm(api, bare, effort.rounds * 4);
    const says = "the source text says 10–50 ms";
    const ready = firsts.map(({ ours, theirs }) => [ours.readyMs, theirs.readyMs] as const);
    const answer = firsts.map(({ ours, theirs }) => [ours.answerMs, theirs.answerMs] as const);
    return [
      row(
        "3w",
        "POST /deploy of a Deno worker until 201 ÷ bare Deno Worker until ready",
        ready,
        says,
      ),
      row("3w", "the same until the first 200 of /invoke ÷ its first answer", answer, says),
      row(
        "2w",
        `p50 of a warm /invoke at c=1 ÷ a message to a bare Deno Worker and back, ${warmCalls} calls each`,
        warm,
        "the source text says 1–5 ms",
      ),
    ];
  } finally {
    connection.close();
    await bare.close();
    await platform.stop();
  }
}

interface WorkerApi {
  keep(): Promise<void>;
  /** Deploys a script of this id, calls it once and deletes it. */
  first(id: string): Promise<FirstCall>;
  /** Milliseconds of each of `count` calls of the script `kept`, which `keep` has deployed. */
  warm(count: number): Promise<readonly number[]>;
}

function workerApi({ key }: ReactorSubject, connection: Connection): WorkerApi {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const input = JSON.stringify(script.input);
  const expected = JSON.stringify(script.answer);
  const send = async (
    method: string,
    path: string,
    body: string,
    status: number,
  ): Promise<string> => {
    const answer = await connection.send({ method, path, headers, body });
    if (answer.status === status) return answer.body;
    throw new Error(`${method} ${path} answered ${answer.status} ${answer.body}`);
  };
  const deploy = (id: string): Promise<string> =>
    send("POST", "/deploy", JSON.stringify({ id, code: script.code }), 201);
  const invoke = async (id: string): Promise<void> => {
    const body = await send("POST", `/invoke/${id}`, input, 200);
    if (body !== expected) throw new Error(`${id} answered ${body}`);
  };
  return {
    async first(id) {
      const startedAtMs = performance.now();
      await deploy(id);
      const readyMs = performance.now() - startedAtMs;
      await invoke(id);
      const answerMs = performance.now() - startedAtMs;
      await send("DELETE", `/delete/${id}`, "", 200);
      return { readyMs, answerMs };
    },
    async keep() {
      await deploy("kept");
    },
    async warm(count) {
      const callMs: number[] = [];
      for (let i = 0; i < count; i++) {
        const startedAtMs = performance.now();
        await invoke("kept");
        callMs.push(performance.now() - startedAtMs);
      }
      return callMs;
    },
  };
}

async function measureFirsts(
  api: WorkerApi,
  bare: BareWorkers,
  samples: number,
): Promise<readonly { readonly ours: FirstCall; readonly theirs: FirstCall }[]> {
  const firsts: { ours: FirstCall; theirs: FirstCall }[] = [];
  for (let i = 0; i < samples; i++) {
    await Bun.sleep(quietMs);
    const theirs = await bare.first();
    await Bun.sleep(quietMs);
    firsts.push({ theirs, ours: await api.first(`script-${i}`) });
  }
  return firsts;
}

/** Pairs of medians, Reactor's first. */
async function measureWarm(
  api: WorkerApi,
  bare: BareWorkers,
  rounds: number,
): Promise<readonly (readonly [number, number])[]> {
  // Both have compiled what they will use before the clock counts.
  await bare.warm(warmCalls);
  await api.keep();
  await api.warm(warmCalls);
  const pairs: (readonly [number, number])[] = [];
  for (let round = 0; round < rounds; round++) {
    const theirs = quantile(await bare.warm(warmCalls), 0.5);
    pairs.push([quantile(await api.warm(warmCalls), 0.5), theirs]);
  }
  return pairs;
}

function row(
  figure: string,
  what: string,
  pairs: readonly (readonly [ours: number, theirs: number])[],
  sourceSays: string,
): FigureRow {
  const ratio = ratioOf(pairs.map(([ours, theirs]) => ours / theirs));
  const middle = (side: 0 | 1): string =>
    quantile(
      pairs.map((pair) => pair[side]),
      0.5,
    ).toFixed(2);
  return {
    figure,
    what,
    ratio: round3(ratio.median),
    min: round3(ratio.min),
    max: round3(ratio.max),
    gate: "shown",
    passed: true,
    note: `${middle(0)} / ${middle(1)} ms over ${pairs.length} rounds; ${isolation}; ${sourceSays}`,
  };
}
