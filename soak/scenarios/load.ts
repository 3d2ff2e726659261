import { type Census, censusDifferences, clientConnections, takeCensus } from "../census.ts";
import { eventually } from "../deadline.ts";
import { deployHandler } from "../deploy-handler.ts";
import { createDraw, type Draw } from "../draw.ts";
import { Link } from "../link.ts";
import { type LoadContext, loadCases } from "../load-cases.ts";
import { createMovingFunction, type MovingFunction } from "../moving-function.ts";
import type { ScenarioOptions, ScenarioResult } from "../scenario.ts";
import { slope } from "../slope.ts";
import { Violations } from "../violations.ts";
import { createWorld, type SoakServer } from "../world.ts";

export interface LoadBounds {
  readonly invocations: number;
  /** Idle points at which everything is counted. */
  readonly rounds: number;
  readonly clients: number;
  /**
   * How much the server may grow over the second half, by the slope through its idle points. Single
   * readings of a healthy server vary by about 20 MiB, as its heap is collected when it likes; the
   * slope through ten of them by as much, and 64 MiB is three times that. At full scale 50,000
   * invocations lie in the second half, so a leak of 1.4 KB each would show. Undefined: it is only
   * measured, as a short run says nothing.
   */
  readonly growthBytesMax: number | undefined;
}

const settleMsMax = 60_000;
const manifest = {
  limits: { max_body_in_mb: 8, max_body_out_mb: 8, drain_timeout_ms: 20_000 },
  concurrency: { max_instances: 3, per_instance: 20, queue_ms: 60_000, idle_ttl_secs: 1 },
};

interface Run {
  readonly server: SoakServer;
  readonly moving: MovingFunction;
  readonly bounds: LoadBounds;
  readonly counts: Record<string, number>;
  readonly violations: Violations;
  readonly alone: LoadContext["alone"];
}

/** Mixed exchanges, all checked, with promotes under way; what the server holds must be flat. */
export async function load(options: ScenarioOptions<LoadBounds>): Promise<ScenarioResult> {
  const { bounds, log } = options;
  const draw = createDraw(options.seed);
  const world = await createWorld();
  // The pool of blanks follows demand; held at two, the counts of idle points can be equal.
  const server = await world.start({
    REACTOR_FUNCTIONS_BUN_BLANK_INSTANCES: "2",
    REACTOR_FUNCTIONS_BUN_BLANK_INSTANCES_MAX: "2",
  });
  try {
    const run = await prepare(server, bounds);
    const perRound = Math.ceil(bounds.invocations / bounds.rounds);
    await oneRound(run, draw.fork("warm-up"), Math.max(100, Math.ceil(perRound / 4)));
    const baseline = await settled(run, undefined, "after the warm-up");
    const points: [number, number][] = [];
    for (let round = 1; round <= bounds.rounds; round++) {
      await oneRound(run, draw.fork(round), perRound);
      const census = await settled(run, baseline, `after round ${round}`);
      points.push([round * perRound, census.rssBytes]);
      const rssMb = Math.round(census.rssBytes / 2 ** 20);
      log(
        `load: ${round * perRound} invocations, ${rssMb} MiB, ${run.violations.count} violations`,
      );
    }
    const measured = judgeMemory(run, points);
    return {
      counts: { ...run.counts, moves: run.moving.moves, violations: run.violations.count },
      measured: { ...measured, held: baseline.counts },
      violations: run.violations.list(),
    };
  } finally {
    await server.stop();
    await world.remove();
  }
}

async function prepare(server: SoakServer, bounds: LoadBounds): Promise<Run> {
  const { client } = server;
  await deployHandler(client, { name: "work", handler: "work", manifest });
  const short = { timeout_ms: 250, max_body_in_mb: 0.05 };
  const { concurrency } = manifest;
  await deployHandler(client, {
    name: "late",
    handler: "late",
    manifest: { limits: short, concurrency },
  });
  const single = { concurrency: { ...concurrency, max_instances: 1, per_instance: 1 } };
  await deployHandler(client, { name: "crash", handler: "crash", manifest: single });
  const moving = await createMovingFunction(client, { name: "moving", versions: 3, manifest });
  let turn: Promise<unknown> = Promise.resolve();
  return {
    server,
    moving,
    bounds,
    counts: {},
    violations: new Violations(),
    alone(work) {
      const mine = turn.then(work);
      turn = mine.catch(() => undefined);
      return mine;
    },
  };
}

async function oneRound(run: Run, draw: Draw, invocations: number): Promise<void> {
  let started = 0;
  const state = { over: false };
  const movingOn = keepMoving(run, draw.fork("moves"), state);
  await Promise.all(
    Array.from({ length: run.bounds.clients }, async (_, n) => {
      const link = new Link(run.server.port);
      const own = draw.fork(`client ${n}`);
      while (started++ < invocations) await oneCase(run, own, link);
      link.close();
    }),
  );
  state.over = true;
  await movingOn;
}

async function oneCase(run: Run, draw: Draw, link: Link): Promise<void> {
  const cases = Object.entries(loadCases);
  const [name, [, work]] = draw.weighted(cases.map((entry) => [entry[1][0], entry] as const));
  run.counts[name] = (run.counts[name] ?? 0) + 1;
  try {
    const problem = await work({ draw, link, moving: run.moving, alone: run.alone });
    if (problem !== undefined) run.violations.add(`${name}: wanted ${problem}`);
  } catch (error) {
    run.violations.add(`${name}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Deploys, promotes and rolls back until the round is over. */
async function keepMoving(run: Run, draw: Draw, state: { over: boolean }): Promise<void> {
  while (!state.over) {
    const how = draw.weighted([
      [2, "deploy"],
      [4, "promote"],
      [2, "rollback"],
    ] as const);
    try {
      await run.moving.move(how, draw.between(0, 2));
    } catch (error) {
      run.violations.add(`${how} under load: ${String(error)}`);
    }
    await Bun.sleep(draw.between(20, 400));
  }
}

/** Waits until nothing runs and the counts are those of the baseline; what still differs is a violation. */
async function settled(run: Run, baseline: Census | undefined, when: string): Promise<Census> {
  let last: Census | undefined;
  let differences: readonly string[] = ["nothing was counted"];
  const found = await eventually(settleMsMax, async () => {
    const running = await busy(run.server);
    const census = await takeCensus(run.server);
    const previous = baseline ?? last;
    last = census;
    differences = [
      ...running,
      ...(previous === undefined ? ["counted once"] : censusDifferences(previous, census)),
    ];
    // A baseline is what two looks in a row have in common.
    if (baseline === undefined && differences.length > 0) await Bun.sleep(500);
    return differences.length === 0 ? census : undefined;
  });
  if (found !== undefined) return found;
  run.violations.add(`${when}: not flat in ${settleMsMax} ms: ${differences.join("; ")}`);
  return last ?? takeCensus(run.server);
}

async function busy(server: SoakServer): Promise<string[]> {
  const values = await server.metrics(
    "reactor_invocations_in_flight",
    "reactor_invocations_waiting",
    'reactor_instances{state="ready"}',
    'reactor_instances{state="starting"}',
    'reactor_instances{state="draining"}',
  );
  // The connection that asked for the metrics must be gone before descriptors are counted.
  const open = await eventually(1000, async () =>
    (await clientConnections(server.port)) === 0 ? 0 : undefined,
  );
  const running = Object.entries(values).filter(([, value]) => value !== 0);
  return [
    ...running.map(([name, value]) => `${name} is ${value}`),
    ...(open === 0 ? [] : ["connections are still open"]),
  ];
}

function judgeMemory(
  run: Run,
  points: readonly (readonly [number, number])[],
): Readonly<Record<string, unknown>> {
  const second = points.slice(Math.floor(points.length / 2));
  const first = second[0]?.[0] ?? 0;
  const span = (second.at(-1)?.[0] ?? 0) - first;
  const growthBytes = Math.round(slope(second) * span);
  const { growthBytesMax } = run.bounds;
  if (growthBytesMax !== undefined && growthBytes > growthBytesMax) {
    run.violations.add(
      `memory grew by ${growthBytes} bytes over the second half, at most ${growthBytesMax} are allowed`,
    );
  }
  return {
    rss_mib: points.map(([, bytes]) => Math.round(bytes / 2 ** 20)),
    growth_second_half_bytes: growthBytes,
    growth_bytes_max: growthBytesMax ?? null,
  };
}
