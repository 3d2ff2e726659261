import { createDraw } from "../draw.ts";
import { Link } from "../link.ts";
import { createMovingFunction, type MovingFunction } from "../moving-function.ts";
import type { ScenarioOptions, ScenarioResult } from "../scenario.ts";
import { Violations } from "../violations.ts";
import { createWorld } from "../world.ts";

export interface PromoteBounds {
  readonly moves: number;
  readonly clients: number;
}

const manifest = {
  limits: { drain_timeout_ms: 20_000 },
  concurrency: { max_instances: 2, per_instance: 20, queue_ms: 60_000 },
};

/** Promotes back and forth under constant load: no request fails, none is answered by a version that was replaced before it was sent. */
export async function promote(options: ScenarioOptions<PromoteBounds>): Promise<ScenarioResult> {
  const { bounds, log } = options;
  const draw = createDraw(options.seed);
  const world = await createWorld();
  const server = await world.start();
  const violations = new Violations();
  const counts = { moves: 0, requests: 0, failed: 0, stale: 0 };
  try {
    const moving = await createMovingFunction(server.client, {
      name: "swap",
      versions: 2,
      manifest,
    });
    const state = { over: false };
    const clients = Array.from({ length: bounds.clients }, async () => {
      const link = new Link(server.port);
      while (!state.over) await askOnce(link, moving, counts, violations);
      link.close();
    });
    for (let move = 1; move <= bounds.moves; move++) {
      const how = draw.weighted([
        [6, "promote"],
        [2, "rollback"],
        [1, "deploy"],
      ] as const);
      try {
        await moving.move(how, move % 2);
      } catch (error) {
        violations.add(`${how} ${move} under load: ${String(error)}`);
      }
      await Bun.sleep(draw.between(0, 60));
      if (move % 50 === 0) log(`promote: ${move} moves, ${counts.requests} requests`);
    }
    state.over = true;
    await Promise.all(clients);
    counts.moves = moving.moves;
  } finally {
    await server.stop();
    await world.remove();
  }
  return { counts: { ...counts, violations: violations.count }, violations: violations.list() };
}

async function askOnce(
  link: Link,
  moving: MovingFunction,
  counts: { requests: number; failed: number; stale: number },
  violations: Violations,
): Promise<void> {
  const allowed = moving.allowed();
  counts.requests += 1;
  const outcome = await link.send({ method: "GET", path: `/fn/v1/${moving.name}` });
  if (outcome.kind !== "answer" || outcome.answer.status !== 200) {
    counts.failed += 1;
    const body = outcome.kind === "answer" ? outcome.answer.body.toString() : "";
    violations.add(`request ${counts.requests} failed: ${outcome.kind} ${body.slice(0, 200)}`);
    return;
  }
  const said = outcome.answer.body.toString();
  const wanted = allowed();
  if (wanted.includes(said)) return;
  counts.stale += 1;
  violations.add(`request ${counts.requests}: wanted ${wanted.join(" or ")}, got ${said}`);
}
