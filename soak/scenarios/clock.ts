import { eventually, within } from "../deadline.ts";
import { deployHandler } from "../deploy-handler.ts";
import { createDraw } from "../draw.ts";
import { createMovableClock, type MovableClock } from "../faketime.ts";
import { Link, type Outcome } from "../link.ts";
import { createMovingFunction } from "../moving-function.ts";
import type { ScenarioOptions, ScenarioResult } from "../scenario.ts";
import { Violations } from "../violations.ts";
import { createWorld, type SoakServer } from "../world.ts";

export interface ClockBounds {
  readonly jumps: number;
}

const hourSecs = 3600;
const daySecs = 24 * hourSecs;
/** Far above what the machine needs, far below every jump: a timer on the wall clock shows. */
const timerMsMax = 30_000;
const timeoutMs = 1000;
/** Shorter than every jump forward. */
const keptIdleSecs = 600;

interface Run {
  readonly server: SoakServer;
  readonly clock: MovableClock;
  readonly violations: Violations;
  readonly counts: { jumps: number; requests: number; lines: number; moves: number };
}

/** The wall clock jumps forward and back: timers, requests, ids, promotions and followed logs do not notice. */
export async function clock(options: ScenarioOptions<ClockBounds>): Promise<ScenarioResult> {
  const { bounds, log } = options;
  const world = await createWorld();
  const movable = await createMovableClock(world.folder);
  if (movable === undefined) {
    await world.remove();
    const skipped = ["clock: libfaketime is not installed (apt-get install faketime)"];
    return { counts: { jumps: 0 }, violations: [], skipped };
  }
  const server = await world.start(movable.env);
  const violations = new Violations();
  const counts = { jumps: 0, requests: 0, lines: 0, moves: 0 };
  const run: Run = { server, clock: movable, violations, counts };
  try {
    await prepare(server);
    await proveMovable(run);
    const requests = keepAsking(run);
    const follower = followLines(run);
    try {
      await jumpAbout(run, bounds, options.seed, log);
    } catch (error) {
      // The others must still be stopped; what they saw counts too.
      violations.add(`the jumps ended early: ${String(error)}`);
    }
    const lines = await requests.stop();
    await follower.stop(lines);
    await idleTimers(run);
  } finally {
    await server.stop();
    await world.remove();
  }
  return { counts: { ...counts, violations: violations.count }, violations: violations.list() };
}

async function prepare(server: SoakServer): Promise<void> {
  const deploy = (name: string, idleSecs: number, instances = 2): Promise<void> =>
    deployHandler(server.client, {
      name,
      handler: "timed",
      manifest: {
        limits: { timeout_ms: timeoutMs },
        concurrency: { idle_ttl_secs: idleSecs, max_instances: instances, queue_ms: 20_000 },
      },
    });
  await deploy("timed", keptIdleSecs);
  await deploy("kept", keptIdleSecs, 1);
  await deploy("short", 2, 1);
}

/** The server must live on the moved clock, or nothing is proven. Its Date header may be a little old. */
async function proveMovable({ server, clock, violations }: Run): Promise<void> {
  await clock.moveTo(hourSecs);
  let date = "";
  const moved = await eventually(timerMsMax, async () => {
    date = (await server.fetch("/fn/v1/kept?ms=0")).headers.get("date") ?? "";
    const aheadMs = Date.parse(date) - Date.now();
    return Math.abs(aheadMs - hourSecs * 1000) < 120_000 ? true : undefined;
  });
  if (moved !== true) violations.add(`the server's clock did not move: it says ${date}`);
  await clock.moveTo(0);
}

async function jumpAbout(
  run: Run,
  bounds: ClockBounds,
  seed: number,
  log: (line: string) => void,
): Promise<void> {
  const { server, clock, violations, counts } = run;
  const draw = createDraw(seed);
  const moving = await createMovingFunction(server.client, {
    name: "moving",
    versions: 2,
    manifest: {},
  });
  const link = new Link(server.port);
  const boot = await bootOf(server, "kept");
  for (let jump = 1; jump <= bounds.jumps; jump++) {
    const offset = jump === 1 ? hourSecs : jump === 2 ? -daySecs : drawOffset(draw);
    const what = `jump ${jump} to ${offset} s`;
    const slow = send(run, `/fn/v1/timed?ms=${timeoutMs / 2}`);
    const never = timed(send(run, "/fn/v1/timed/never"));
    await Bun.sleep(draw.between(20, 200));
    await clock.moveTo(offset);
    counts.jumps += 1;
    expectStatus(violations, `${what}: a request under way`, await slow, 200);
    const { value, ms } = await never;
    expectStatus(violations, `${what}: a handler that never answers`, value, 504);
    if (ms < timeoutMs * 0.9 || ms > timerMsMax) {
      violations.add(`${what}: timeout_ms ${timeoutMs} struck after ${Math.round(ms)} ms`);
    }
    await moving.move(draw.chance(0.5) ? "promote" : "rollback", jump);
    const allowed = moving.allowed();
    const answer = await link.send({
      method: "GET",
      path: "/fn/v1/moving",
      headers: await key(server),
    });
    const said = answer.kind === "answer" ? answer.answer.body.toString() : answer.kind;
    if (!allowed().includes(said)) violations.add(`${what}: after promote: ${said}`);
    const now = await bootOf(server, "kept");
    if (now !== boot) violations.add(`${what}: an instance was stopped before its idle_ttl_secs`);
    if (jump % 5 === 0) log(`clock: ${jump} jumps, ${violations.count} violations`);
  }
  link.close();
  counts.moves = moving.moves;
}

function drawOffset(draw: ReturnType<typeof createDraw>): number {
  const span = draw.pick([1, 60, hourSecs, 5 * hourSecs, daySecs, 5 * daySecs]);
  return draw.chance(0.5) ? span : -span;
}

async function key(server: SoakServer): Promise<Record<string, string>> {
  return { authorization: `Bearer ${server.key}` };
}

async function bootOf(server: SoakServer, name: string): Promise<string> {
  const answer = await server.fetch(`/fn/v1/${name}?ms=0`);
  return ((await answer.json()) as { boot: string }).boot;
}

async function send({ server }: Run, path: string): Promise<Outcome> {
  const link = new Link(server.port);
  try {
    return await link.send({ method: "GET", path });
  } finally {
    link.close();
  }
}

async function timed<T>(work: Promise<T>): Promise<{ value: T; ms: number }> {
  const startedAtMs = performance.now();
  return { value: await work, ms: performance.now() - startedAtMs };
}

function expectStatus(
  violations: Violations,
  what: string,
  outcome: Outcome,
  status: number,
): void {
  const got = outcome.kind === "answer" ? outcome.answer.status : 0;
  if (got !== status) violations.add(`${what}: wanted ${status}, got ${outcome.kind} ${got}`);
}

/** One client after another request; each is logged, and their ids must rise. */
function keepAsking(run: Run): { stop(): Promise<number> } {
  const { server, violations, counts } = run;
  const state = { over: false };
  const link = new Link(server.port);
  let lastId = "";
  const ask = async (): Promise<void> => {
    counts.requests += 1;
    const path = `/fn/v1/timed?ms=1&line=${counts.requests}`;
    const outcome = await link.send({ method: "GET", path });
    expectStatus(violations, `request ${counts.requests}`, outcome, 200);
    const id = outcome.kind === "answer" ? (outcome.answer.headers.get("x-request-id") ?? "") : "";
    if (id <= lastId) {
      violations.add(`request ${counts.requests}: id ${id} is not above ${lastId}`);
    }
    lastId = id;
  };
  const running = (async () => {
    try {
      for (; !state.over; await Bun.sleep(20)) await ask();
    } catch (error) {
      violations.add(`request ${counts.requests}: ${String(error)}`);
    }
  })();
  return {
    async stop() {
      state.over = true;
      await running;
      link.close();
      return counts.requests;
    },
  };
}

/** Follows the log over all jumps: every line once and in order. */
function followLines(run: Run): { stop(lines: number): Promise<void> } {
  const { server, violations, counts } = run;
  const ending = new AbortController();
  const wanted = { lines: Number.POSITIVE_INFINITY };
  const running = (async () => {
    for await (const line of server.client.followLogs("timed", { signal: ending.signal })) {
      if (!line.message.startsWith("line ")) continue;
      counts.lines += 1;
      if (line.message !== `line ${counts.lines}`) {
        violations.add(`followed line ${counts.lines}: got ${JSON.stringify(line.message)}`);
        counts.lines = Number(line.message.slice(5));
      }
      if (counts.lines >= wanted.lines) return;
    }
  })();
  return {
    async stop(lines) {
      wanted.lines = lines;
      // One more line, so that a follower that had them all sees the end.
      try {
        await send(run, `/fn/v1/timed?ms=0&line=${lines + 1}`);
        await within(timerMsMax, `all ${lines} lines are followed, ${counts.lines} came`, running);
      } catch (error) {
        violations.add(String(error));
      }
      ending.abort();
      await running;
    },
  };
}

/** An idle instance is stopped after its time though the clock stands a day back, not an hour early. */
async function idleTimers(run: Run): Promise<void> {
  const { server, clock, violations } = run;
  const before = await bootOf(server, "kept");
  const short = await bootOf(server, "short");
  await clock.moveTo(-daySecs);
  const stopped = await eventually(timerMsMax, async () => {
    await Bun.sleep(2500);
    return (await bootOf(server, "short")) === short ? undefined : true;
  });
  if (stopped !== true)
    violations.add("idle_ttl_secs 2 did not strike after the clock went back a day");
  await clock.moveTo(hourSecs);
  if ((await bootOf(server, "kept")) !== before) {
    violations.add(`idle_ttl_secs ${keptIdleSecs} struck when the clock went forward`);
  }
}
