import type { Report, ScenarioResult } from "./scenario.ts";
import { async } from "./scenarios/async.ts";
import { clock } from "./scenarios/clock.ts";
import { faults } from "./scenarios/faults.ts";
import { kills } from "./scenarios/kills.ts";
import { load } from "./scenarios/load.ts";
import { neighbours } from "./scenarios/neighbours.ts";
import { promote } from "./scenarios/promote.ts";

/** Runs one scenario at a share of its full size. */
type ScaledScenario = (
  scale: number,
  options: { readonly seed: number; readonly log: Report },
) => Promise<ScenarioResult>;

const atLeast = (least: number, count: number): number => Math.max(least, Math.round(count));

/** Every scenario by name, with its full size times the scale. */
export const scenarios: Readonly<Record<string, ScaledScenario>> = {
  load: (scale, options) =>
    load({
      ...options,
      bounds: {
        invocations: atLeast(500, 100_000 * scale),
        rounds: scale < 0.05 ? 2 : 20,
        clients: 16,
        growthBytesMax: scale < 0.5 ? undefined : 64 * 2 ** 20,
      },
    }),
  kills: (scale, options) =>
    kills({
      ...options,
      bounds: { kills: atLeast(3, 200 * scale), clients: 6, aliveMsMax: 2500 },
    }),
  promote: (scale, options) =>
    promote({ ...options, bounds: { moves: atLeast(10, 500 * scale), clients: 8 } }),
  neighbours: (scale, options) =>
    neighbours({
      ...options,
      bounds: {
        secondsPerPhase: Math.max(2, 10 * scale),
        secondsTogether: Math.max(2, 60 * scale),
        isEachAlone: true,
      },
    }),
  faults: (scale, options) =>
    faults({
      ...options,
      bounds: {
        writes: atLeast(2, 40 * scale),
        syncs: atLeast(2, 12 * scale),
        renames: atLeast(1, 6 * scale),
        operations: 6,
        fullDiskOperations: 60,
      },
    }),
  async: (scale, options) =>
    async({
      ...options,
      bounds: {
        invocations: atLeast(300, 10_000 * scale),
        clients: 16,
        aliveMs: [1500, 2500],
        killsMin: atLeast(2, 10 * scale),
      },
    }),
  clock: (scale, options) => clock({ ...options, bounds: { jumps: atLeast(3, 100 * scale) } }),
};
