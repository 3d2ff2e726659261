import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Random } from "../../base/random.ts";
import {
  type RuntimeSetup,
  type RuntimeSpec,
  type SandboxPreference,
  setUpRuntime,
} from "./process-runtime.ts";

const tmpBytesMaxDefault = 64 * 1024 * 1024;

export interface SetupOnceOptions {
  readonly runDir: string;
  readonly sandbox: SandboxPreference;
  /** Size of each private /tmp. Default 64 MiB. */
  readonly tmpBytesMax?: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** A runtime's setup, made when it is first needed and tried again after a failure. */
export class SetupOnce {
  readonly #runtime: RuntimeSpec;
  readonly #options: SetupOnceOptions;
  #setup: Promise<RuntimeSetup> | undefined;

  constructor(runtime: RuntimeSpec, options: SetupOnceOptions) {
    this.#runtime = runtime;
    this.#options = options;
  }

  /** Rejects with the signal's reason when it is aborted. */
  get(signal: AbortSignal): Promise<RuntimeSetup> {
    signal.throwIfAborted();
    this.#setup ??= this.#make();
    return this.#setup;
  }

  /** Removes the runtime's folder if it was made. */
  async remove(): Promise<void> {
    const [setup] = await Promise.allSettled([this.#setup]);
    if (setup.status === "fulfilled") setup.value?.runDir.remove();
  }

  async #make(): Promise<RuntimeSetup> {
    const { runDir, sandbox, tmpBytesMax = tmpBytesMaxDefault, clock, random, log } = this.#options;
    const runtime = this.#runtime;
    try {
      return await setUpRuntime({ runtime, runDir, sandbox, tmpBytesMax, clock, random, log });
    } catch (error) {
      // What was missing may be there at the next try.
      this.#setup = undefined;
      throw error;
    }
  }
}
