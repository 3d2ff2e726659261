import type { Draw } from "../draw.ts";
import type { SimulatedKnob } from "../../../src/drivers/simulated/knobs.ts";
import { recover, stabilise } from "../stabilise.ts";
import type { World } from "../world.ts";
import type { Step } from "./step.ts";

const storeFault: Step = (world, draw) => {
  world.trouble.storage = true;
  const at = draw.pick(["read", "write", "commit_before", "commit_after"]);
  const code = draw.pick(["storage_unavailable", "storage_full"]);
  const first = draw.between(1, 4);
  for (let nth = first; nth < first + draw.between(1, 3); nth++) {
    world.life.store.fail({ at, nth, code });
  }
};

const storeDown: Step = (world, draw) => {
  world.trouble.storage = true;
  const { life } = world;
  life.store.breakDown();
  life.clientClock.after(draw.between(1, 4000), () => life.store.restore());
};

const blobFault: Step = (world, draw) => {
  world.trouble.storage = true;
  world.trouble.blobs = true;
  world.blobFaults[draw.pick(["puts", "latePuts", "gets", "flips"])] += draw.between(1, 3);
};

const loadFaults: Step = (world, draw) => {
  world.trouble.loadFaultPercent = draw.pick([0, 30, 100]);
};

/** Ways of a guest to be at fault that the contract of drivers allows for. */
const guestFaults = ["lost_cancel", "crash_after", "crash_on_cancel", "slow_body"] as const;

const guestFault: Step = (world, draw: Draw) => {
  const { driver } = world.life;
  const knob: SimulatedKnob = draw.pick(guestFaults);
  if (!driver.knobs.delete(knob)) driver.knobs.add(knob);
  world.trouble.guests = true;
};

const kill: Step = (world: World, draw) => {
  const { driver, serving } = world.life;
  const instance = draw.pickAny([...driver.instances]);
  if (instance === undefined) return;
  for (const { deploymentId, instances } of serving.pools()) {
    if (instances.some(({ id }) => id === instance.id)) {
      world.trouble.disturbed("crash", deploymentId);
    }
  }
  world.trouble.disturbed("start", instance.deploymentId);
  driver.kill(instance.id);
};

const crash: Step = async (world, draw) => {
  world.crash();
  await recover(world, draw);
};

/** What goes wrong, by how often it does. */
export const faultSteps = {
  "store fault": [5, storeFault],
  "store down": [1.5, storeDown],
  "blob fault": [1.5, blobFault],
  "load faults": [1.5, loadFaults],
  "guest fault": [0.6, guestFault],
  kill: [3, kill],
  crash: [1.5, crash],
  stabilise: [1.5, stabilise],
} as const satisfies Record<string, readonly [number, Step]>;
