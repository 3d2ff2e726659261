import { assert } from "../base/assert.ts";
import type { Instance } from "../drivers/driver.ts";
import type { InstanceStatus } from "./pool-status.ts";

//  starting --ready--> ready --drain--> draining --exit--> exited
//  starting --start failed--> exited
//  ready --died--> draining (nothing new is handed to it) --exit--> exited
export type SlotState = "starting" | "ready" | "draining" | "exited";

const nextStates: Record<SlotState, readonly SlotState[]> = {
  starting: ["ready", "exited"],
  ready: ["draining", "exited"],
  draining: ["exited"],
  exited: [],
};

/** A place in a pool and the instance that fills it. */
export class InstanceSlot {
  /** Invocations on the instance, those whose cancel is not confirmed yet included. */
  running = 0;
  served = 0;
  lastUsedMs = 0;
  /** A check whether the instance still answers is under way. */
  suspected = false;
  /** One too many: it goes when what runs on it has ended. */
  surplus = false;
  #state: SlotState = "starting";
  #instance: Instance | undefined;

  get state(): SlotState {
    return this.#state;
  }

  /** The instance; only a slot that is past `starting` has one. */
  get instance(): Instance {
    assert(this.#instance !== undefined, "the slot's instance has not started");
    return this.#instance;
  }

  started(instance: Instance, nowMs: number): void {
    this.#instance = instance;
    this.lastUsedMs = nowMs;
    this.moveTo("ready");
  }

  moveTo(state: SlotState): void {
    assert(nextStates[this.#state].includes(state), `slot moves ${this.#state} -> ${state}`);
    this.#state = state;
  }

  status(): InstanceStatus {
    return {
      id: this.#instance?.id,
      state: this.#state,
      suspected: this.suspected,
      running: this.running,
      served: this.served,
      tier: this.#instance?.tier,
      pids: this.#instance?.pids ?? [],
    };
  }
}
