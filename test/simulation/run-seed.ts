import { advanceUntil } from "./advance-until.ts";
import { checkIdle, checkPools, checkQuiet } from "./checks/check-pools.ts";
import { checkRecords } from "./checks/check-records.ts";
import { Draw } from "./draw.ts";
import type { Sabotage } from "./sabotage.ts";
import { endFaults, stabilise, starts } from "./stabilise.ts";
import { faultSteps } from "./steps/fault-steps.ts";
import { functionSteps, plant } from "./steps/function-steps.ts";
import { functionNames, type Step } from "./steps/step.ts";
import { trafficSteps } from "./steps/traffic-steps.ts";
import { World } from "./world.ts";

const steps: Readonly<Record<string, readonly [number, Step]>> = {
  ...functionSteps,
  ...trafficSteps,
  ...faultSteps,
};
const weights = Object.fromEntries(Object.entries(steps).map(([name, [weight]]) => [name, weight]));

/** Longer than any invocation may wait, run and stream. */
const invocationMsMax = 12_000;
/** Longer than every idle time and every wait after crashes in a row. */
const idleMs = 45_000;

export interface SeedOptions {
  /** Positions of steps that are left out, to find the few that matter. */
  readonly without?: ReadonlySet<number>;
  readonly sabotage?: Sabotage;
}

export interface SeedResult {
  readonly seed: number;
  /** What did not hold; undefined when all did. */
  readonly violation: string | undefined;
  /** The steps that were taken, by position. */
  readonly steps: readonly (readonly [position: number, name: string])[];
  readonly events: readonly string[];
  /** Of all events: equal for equal runs. */
  readonly digest: string;
  readonly counts: ReadonlyMap<string, number>;
}

/** Runs one seed from an empty disk to the last check. Never rejects for what the product does. */
export async function runSeed(seed: number, options: SeedOptions = {}): Promise<SeedResult> {
  const world = new World(seed, options.sabotage);
  const taken: [number, string][] = [];
  try {
    await starts(world);
    await plant(world, new Draw(seed, 4));
    const count = new Draw(seed, 1).between(60, 150);
    for (let position = 0; position < count && world.violation === undefined; position++) {
      if (options.without?.has(position) === true) continue;
      const draw = new Draw(seed, 2, position);
      const name = draw.weighted(weights);
      taken.push([position, name]);
      world.trace(`step ${position}: ${name}`);
      await steps[name]?.[1](world, draw);
      await world.clock.settle();
      checkPools(world);
    }
    if (world.violation === undefined) await end(world, new Draw(seed, 3));
  } catch (error) {
    world.violate(`a bug: ${error instanceof Error ? error.stack : String(error)}`);
  }
  return {
    seed,
    violation: world.violation?.message,
    steps: taken,
    events: world.events,
    digest: world.digest,
    counts: world.counts,
  };
}

/** A store that fails must not keep a server from stopping, nor leave a retry of the plan behind. */
async function breakWhileStopping(world: World, draw: Draw): Promise<void> {
  for (const name of functionNames) {
    const { enabled } = world.function(name);
    const input = { project: "default", function: name, enabled: draw.chance(0.5) };
    const changes = [enabled.begin(String(input.enabled))];
    void world.run("functions.update", input, { changes });
  }
  await world.clock.advance(draw.between(0, 12));
  if (draw.chance(0.3)) world.life.store.breakDown();
  else for (let nth = 1; nth < 8; nth++) world.life.store.fail({ at: "read", nth });
  await world.clock.settle();
}

/** Everything comes to rest, serves once more, and stops without leaving anything. */
async function end(world: World, draw: Draw): Promise<void> {
  const { clock, life, traffic } = world;
  await stabilise(world);
  await clock.advance(invocationMsMax);
  for (const { question } of traffic.open) world.violate(`${question.id} never ends`);
  checkQuiet(world);
  await clock.advance(idleMs);
  checkIdle(world);
  if (world.violation !== undefined) return;
  for (let left = 6; left > 0; left--) await steps["burst"]?.[1](world, draw);
  await clock.advance(draw.between(0, 100));
  endFaults(world);
  world.stopping = true;
  if (draw.chance(0.5)) await breakWhileStopping(world, draw);
  const stop = life.stop(draw.pick([0, 200, 3000]));
  const stopped = await advanceUntil(clock, stop, { stepMs: 100, stepsMax: 100 });
  world.expect(stopped, () => "the server never stops");
  for (const { question } of traffic.open) world.violate(`${question.id} outlives the server`);
  checkRecords(world);
  const left = { ...life.timers, instances: life.driver.instances.size };
  world.expect(
    Object.values(left).every((count) => count === 0),
    () => `a stop leaves ${JSON.stringify(left)}`,
  );
}
