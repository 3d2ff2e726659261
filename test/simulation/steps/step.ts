import { advanceUntil } from "../advance-until.ts";
import type { Draw } from "../draw.ts";
import type { World } from "../world.ts";

/** One kind of thing that may happen next; draws only from its own source, so that any may be left out. */
export type Step = (world: World, draw: Draw) => Promise<void> | void;

export const functionNames = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"] as const;

/** A function's name, more often one that a seed uses much. */
export function drawFunction(world: World, draw: Draw): string {
  const used = functionNames.slice(0, 3 + (world.seed % 4));
  return used[draw.between(0, used.length - 1)] ?? functionNames[0];
}

/** Waits a moment for what was started, or goes on while it runs. */
export async function soon(world: World, draw: Draw, work: Promise<void>): Promise<void> {
  if (draw.chance(0.4)) {
    await world.clock.settle();
    return;
  }
  await advanceUntil(world.clock, work, { stepMs: 5, stepsMax: 20 });
}
