import { ReactorError } from "../../src/domain/errors.ts";
import { advanceUntil } from "./advance-until.ts";
import { checkPlan } from "./checks/check-plan.ts";
import { checkRecords } from "./checks/check-records.ts";
import { checkStore } from "./checks/check-store.ts";
import type { Draw } from "./draw.ts";
import type { World } from "./world.ts";

/** The longest any command may take once nothing is wrong: a queue of deploys that time out. */
const commandMsMax = 30_000;
/** The plan is tried again every second after a fault. */
const planMsMax = 1100;
const startsMax = 5;

/** Ends all faults, lets every command end, and compares store, plan, records and what clients know. */
export async function stabilise(world: World): Promise<void> {
  endFaults(world);
  const { clock } = world;
  const untilMs = clock.nowMs + commandMsMax;
  while (world.openCommands.length > 0 && clock.nowMs < untilMs) await clock.advance(100);
  world.expect(
    world.openCommands.length === 0,
    () => `commands never end: ${world.openCommands.join(", ")}`,
  );
  await clock.advance(planMsMax);
  checkStore(world);
  checkPlan(world);
  checkRecords(world);
}

export function endFaults(world: World): void {
  world.life.store.restore();
  world.life.driver.knobs.clear();
  world.trouble.loadFaultPercent = 0;
  Object.assign(world.blobFaults, { puts: 0, latePuts: 0, gets: 0, flips: 0 });
}

/** Starts the server again on what the crash left, now and then against a store that fails at first. */
export async function recover(world: World, draw: Draw): Promise<void> {
  Object.assign(world.blobFaults, { puts: 0, latePuts: 0, gets: 0, flips: 0 });
  for (let start = 1; start <= startsMax; start++) {
    world.renew();
    const { life } = world;
    if (start < startsMax && draw.chance(0.25)) {
      world.trouble.storage = true;
      const at = draw.pick(["read", "write", "commit_before", "commit_after"]);
      life.store.fail({ at, nth: draw.between(1, 3) });
    }
    if (await starts(world)) break;
    world.count("start failed");
    life.crash();
  }
  world.life.store.restore();
  if (world.violation === undefined) checkRecovered(world);
}

/** Starts the life and waits for it; false when it could not. */
export async function starts(world: World): Promise<boolean> {
  const state = { started: false };
  const start = world.life.start().then(
    () => void (state.started = true),
    (error: unknown) => {
      const explained = error instanceof ReactorError && error.code === "storage_unavailable";
      world.expect(
        explained && world.trouble.storage,
        () => `the server cannot start: ${error instanceof Error ? error.stack : String(error)}`,
      );
    },
  );
  const over = await advanceUntil(world.clock, start, { stepMs: 5, stepsMax: 200 });
  world.trace(`start ${state.started ? "ok" : "failed"}`);
  world.expect(over, () => "the server never finishes its start");
  return state.started;
}

/** Right after a start nothing is half made and the first plan is the store. */
function checkRecovered(world: World): void {
  world.count("recovered");
  for (const { id, status } of world.disk.tables.deployments.values()) {
    world.expect(
      status !== "pending" && status !== "materializing",
      () => `deployment ${id} is still ${status} after a recovery`,
    );
  }
  checkStore(world);
  checkPlan(world);
}
