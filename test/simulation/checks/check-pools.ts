import type { Manifest } from "../../../src/domain/manifest.ts";
import type { PoolStatus } from "../../../src/serving/pool-status.ts";
import type { Asked } from "../asked.ts";
import { servingSettings } from "../life.ts";
import type { World } from "../world.ts";

/** One look of the deadline sweep. */
const tickMs = 25;

/** No bound is exceeded at this instant, and nobody waits beyond its deadline. */
export function checkPools(world: World): void {
  const pools = world.life.serving.pools();
  const instances = pools.reduce((sum, pool) => sum + pool.instances.length, 0);
  world.expect(
    instances <= servingSettings.instancesMax,
    () => `${instances} instances, at most ${servingSettings.instancesMax} are allowed`,
  );
  for (const pool of pools) checkPool(world, pool);
  for (const asked of world.traffic.open) checkWait(world, asked);
}

/** Nobody waits beyond its deadline, nor for longer than queue_ms while nothing starts. */
function checkWait(world: World, asked: Asked): void {
  const { question, invocation } = asked;
  const { waited, target } = invocation;
  if (waited === undefined || target === undefined || invocation.ranAtMs >= 0) return;
  const { nowMs } = world.clock;
  const { deploymentId, manifest } = target.deployment;
  const lateMs = nowMs - waited.untilMs;
  world.expect(lateMs <= tickMs, () => `${question.id} waits ${lateMs} ms beyond its deadline`);
  // A start that the blobs fail, or whose instance was killed, is not seen here.
  if (world.trouble.blobs || world.trouble.has("start", deploymentId)) return;
  // A start that it waited for counts also after a change of the plan moved it to another pool.
  asked.startSeenMs = Math.max(asked.startSeenMs, world.trouble.startSeenMs(deploymentId));
  const sinceMs = Math.max(waited.sinceMs, asked.startSeenMs);
  // So does the queue_ms of the deployment under which it began to wait.
  asked.queueMsMax = Math.max(asked.queueMsMax, manifest.concurrency.queueMs);
  world.expect(
    nowMs - sinceMs <= asked.queueMsMax + tickMs,
    () =>
      `${question.id} waits for ${nowMs - sinceMs} ms with nothing starting, queue_ms is ${asked.queueMsMax} (${waited.forStart ? "for a start" : "for a slot"})`,
  );
}

function checkPool(world: World, pool: PoolStatus): void {
  const manifest = world.disk.tables.deployments.get(pool.deploymentId)?.manifest;
  if (manifest === undefined) {
    world.violate(`a pool serves the unknown deployment ${pool.deploymentId}`);
    return;
  }
  const name = `the pool of ${pool.functionName}@${pool.revision}`;
  const { concurrency } = manifest;
  if (pool.instances.some(({ state }) => state === "starting")) {
    world.trouble.starting(pool.deploymentId, world.clock.nowMs);
  }
  const holds = (condition: boolean, what: string): void =>
    world.expect(condition, () => `${name} ${what}: ${JSON.stringify(pool)}`);
  const onInstances = pool.instances.reduce((sum, { running }) => sum + running, 0);
  holds(pool.running === onInstances, "counts other invocations than its instances");
  holds(pool.running >= 0 && pool.running <= concurrency.maxConcurrency, "runs too many");
  holds(pool.waiting <= servingSettings.queuedMax, "lets too many wait");
  for (const instance of pool.instances) {
    const bound = instance.running >= 0 && instance.running <= concurrency.perInstance;
    holds(bound, `has too many on ${instance.id}`);
  }
  holds(liveWithin(world, pool, manifest), "has too many instances");
}

function liveWithin(world: World, pool: PoolStatus, { concurrency }: Manifest): boolean {
  const max = Math.min(concurrency.maxInstances, servingSettings.instancesPerFunctionMax);
  const live = pool.instances.filter(
    ({ state, suspected }) => state === "starting" || (state === "ready" && !suspected),
  );
  if (live.length <= max) return true;
  // One that may be stuck is replaced before it is known for sure. When it turns out fine, whoever
  // is one too many leaves, at the latest when the last replacement has started.
  const starting = live.some(({ state }) => state === "starting");
  return starting && world.trouble.suspects(pool.deploymentId);
}

/** Nothing runs or waits anywhere. */
export function checkQuiet(world: World): void {
  for (const { functionName, revision, running, waiting } of world.life.serving.pools()) {
    world.expect(
      running === 0 && waiting === 0,
      () => `${functionName}@${revision} still counts ${running} running and ${waiting} waiting`,
    );
  }
}

/** After the idle time only the instances that a manifest keeps are left. */
export function checkIdle(world: World): void {
  const { serving, driver } = world.life;
  let kept = 0;
  for (const pool of serving.pools()) {
    const { functionName, revision, deploymentId, draining, instances } = pool;
    const { concurrency } = world.disk.tables.deployments.get(deploymentId)?.manifest ?? {};
    const aliased = [...world.disk.tables.aliases.values()].some(({ targets }) =>
      targets.some((target) => target.deploymentId === deploymentId),
    );
    const min = aliased ? (concurrency?.minInstances ?? 0) : 0;
    kept += instances.length;
    world.expect(
      !draining && instances.length === min,
      () =>
        `${functionName}@${revision} has ${instances.length} instances${draining ? ", draining," : ""} long after the last request, must have ${min}`,
    );
  }
  world.expect(
    driver.instances.size === kept,
    () => `${driver.instances.size} instances live, serving knows ${kept}`,
  );
}
