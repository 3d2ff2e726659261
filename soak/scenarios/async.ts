import { checkEvents, checkRuns, duplicates, type Outage, type Work } from "../check-runs.ts";
import { eventually } from "../deadline.ts";
import { deployHandler } from "../deploy-handler.ts";
import { createDraw, type Draw } from "../draw.ts";
import type { ScenarioOptions, ScenarioResult } from "../scenario.ts";
import { type Sink, startSink } from "../sink.ts";
import { Violations } from "../violations.ts";
import { createWorld, type SoakServer, type World } from "../world.ts";

export interface AsyncBounds {
  readonly invocations: number;
  readonly clients: number;
  /** How long each server lives, at least and at most. */
  readonly aliveMs: readonly [least: number, most: number];
  /** Servers that are killed at least, however fast the work is done. */
  readonly killsMin: number;
}

interface Run {
  readonly world: World;
  readonly sink: Sink;
  readonly violations: Violations;
  readonly accepted: Map<number, Work>;
  readonly outages: Outage[];
  readonly env: Readonly<Record<string, string>>;
  /** The server that lives, or the next. */
  server: Promise<SoakServer>;
}

const attemptsMax = 5;
/** How long the queue may take to empty once nothing is killed any more. */
const drainMsMax = 300_000;
/** A server that accepts nothing for so long is killed all the same. */
const lifeMsMax = 20_000;
const always = 1000;

/**
 * Invocations are queued while the server is killed again and again: everything that was accepted
 * reaches a terminal state, nothing is lost, what ran twice ran around a kill and knew it, and each
 * that is dead is told by one event. Counted by a sink outside of the server.
 */
export async function async(options: ScenarioOptions<AsyncBounds>): Promise<ScenarioResult> {
  const { bounds, log, seed } = options;
  const draw = createDraw(seed);
  const world = await createWorld();
  const sink = startSink();
  const env = {
    REACTOR_EGRESS_PRIVATE_ALLOW: `127.0.0.1:${sink.port}`,
    REACTOR_FUNCTIONS_ASYNC_MAX_QUEUED: String(bounds.invocations + 1),
    REACTOR_FUNCTIONS_ASYNC_MAX_FINISHED: String(bounds.invocations + 1),
  };
  const violations = new Violations();
  const server = world.start(env);
  const run: Run = { world, sink, violations, accepted: new Map(), outages: [], env, server };
  try {
    await deployHandler((await run.server).client, {
      name: "report",
      handler: "report",
      manifest: { access: "public", retry: { max_attempts: attemptsMax, min_backoff_ms: 50 } },
    });
    const { client } = await run.server;
    await client.setProjectEnv({ key: "SINK", value: sink.url, secret: false });
    const listens = { access: "public", events: ["invocation.dead"] };
    await deployHandler(client, { name: "hear", handler: "hear", manifest: listens });
    const state = { isSending: true };
    const sending = sendAll(run, bounds, draw).finally(() => (state.isSending = false));
    // A machine that is busy with other work may accept little in a life: each gets that much done.
    const acceptedPerLife = bounds.invocations / (4 * bounds.killsMin);
    for (let kill = 1; state.isSending || kill <= bounds.killsMin; kill++) {
      const wanted = run.accepted.size + acceptedPerLife;
      await Bun.sleep(draw.between(...bounds.aliveMs));
      await eventually(lifeMsMax, () =>
        state.isSending && run.accepted.size < wanted ? undefined : true,
      );
      await killAndRestart(run);
      if (kill % 10 === 0) log(`async: ${kill} kills, ${run.accepted.size} accepted`);
    }
    await sending;
    const counts = await checkAll(run, await run.server);
    return { counts: { ...counts, violations: violations.count }, violations: violations.list() };
  } finally {
    await (await run.server).stop();
    await sink.stop();
    await world.remove();
  }
}

async function killAndRestart(run: Run): Promise<void> {
  const server = await run.server;
  const killedAtMs = performance.now();
  const next = Promise.withResolvers<SoakServer>();
  run.server = next.promise;
  server.signal("SIGKILL");
  await server.exited;
  try {
    const started = await run.world.start(run.env);
    run.outages.push({ killedAtMs, readyAtMs: performance.now() });
    next.resolve(started);
  } catch (error) {
    next.reject(error);
    throw error;
  }
}

async function sendAll(run: Run, bounds: AsyncBounds, draw: Draw): Promise<void> {
  let next = 0;
  const client = async (): Promise<void> => {
    for (let n = next++; n < bounds.invocations; n = next++) {
      const own = draw.fork(`work ${n}`);
      const failures = own.weighted([
        [94, 0],
        [5, own.between(1, attemptsMax - 2)],
        [1, always],
      ] as const);
      run.accepted.set(n, { n, failures, id: await send(run, n, failures) });
    }
  };
  await Promise.all(Array.from({ length: bounds.clients }, client));
}

/** Sends one piece of work until a server accepts it, under one key: a lost answer is asked for again. */
async function send(run: Run, n: number, failures: number): Promise<string> {
  for (;;) {
    const { url } = await run.server;
    try {
      const response = await fetch(`${url}/fn/v1/report`, {
        method: "POST",
        keepalive: false,
        headers: { prefer: "respond-async", "idempotency-key": `work-${n}` },
        body: JSON.stringify({ n, failures, sink: run.sink.url }),
      });
      if (response.status === 202) return ((await response.json()) as { id: string }).id;
      const text = await response.text();
      // A server that stops or begins says so; anything else is none of a kill's doing.
      if (response.status !== 503) run.violations.add(`work ${n}: ${response.status} ${text}`);
      await Bun.sleep(20);
    } catch {
      await Bun.sleep(20); // the server died, the next one is on its way
    }
  }
}

async function checkAll(run: Run, server: SoakServer): Promise<Record<string, number>> {
  const { violations, accepted, outages, sink } = run;
  const states = new Map<string, string>();
  const drained = await eventually(drainMsMax, async () => {
    for (const state of ["queued", "running"] as const) {
      const { items } = await server.client.listQueuedInvocations({ state, limit: 1 });
      if (items.length > 0) return undefined;
    }
    return true;
  });
  if (drained === undefined)
    violations.add("the queue is not empty after 5 minutes without a kill");
  for (const state of ["succeeded", "failed", "dead", "queued", "running"] as const) {
    for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
      const page = await server.client.listQueuedInvocations({ state, limit: 500, cursor });
      for (const { id } of page.items) states.set(id, state);
      cursor = page.next_cursor ?? undefined;
    }
  }
  const byWork = Map.groupBy(sink.runs, ({ n }) => n);
  let twice = 0;
  for (const work of accepted.values()) {
    const runs = byWork.get(work.n) ?? [];
    for (const problem of checkRuns(work, runs, outages)) violations.add(problem);
    const wanted = work.failures >= attemptsMax ? "dead" : "succeeded";
    const state = states.get(work.id) ?? "lost";
    if (state !== wanted) {
      const shown = await server.client.getInvocation(work.id).catch(String);
      const facts = JSON.stringify(shown);
      violations.add(`${work.id} (work ${work.n}): is ${state}, must be ${wanted}: ${facts}`);
    }
    twice += duplicates(work, runs);
  }
  const dead = [...states].flatMap(([id, state]) => (state === "dead" ? [id] : []));
  for (const problem of checkEvents(new Set(dead), sink.events)) violations.add(problem);
  return {
    accepted: accepted.size,
    kills: outages.length,
    runs: sink.runs.length,
    "ran twice": twice,
    dead: dead.length,
    "events told": new Set(sink.events.map(({ event }) => event)).size,
  };
}
