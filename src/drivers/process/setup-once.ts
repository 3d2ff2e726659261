import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Random } from "../../base/random.ts";
import { SharedGroups } from "./cgroup/shared-groups.ts";
import {
  type RuntimeSetup,
  type RuntimeSpec,
  type SandboxPreference,
  setUpRuntime,
} from "./process-runtime.ts";

const tmpBytesMaxDefault = 64 * 1024 * 1024;
const processesMaxDefault = 256;

export interface SetupOnceOptions {
  /** Folder of this server that other users can reach, such as `/run/reactor-<hash>`. */
  readonly runDir: string;
  readonly sandbox: SandboxPreference;
  /** Size of each private /tmp. Default 64 MiB. */
  readonly tmpBytesMax?: number;
  /** Processes and threads of each instance. Default 256. */
  readonly processesMax?: number;
  /** What the drivers of one server share. Default: one of this runtime's own. */
  readonly groups?: SharedGroups;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** A runtime's setup, made when it is first needed and tried again after a failure. */
export class SetupOnce {
  readonly #runtime: RuntimeSpec;
  readonly #options: SetupOnceOptions;
  readonly #groups: SharedGroups;
  #setup: Promise<RuntimeSetup> | undefined;

  constructor(runtime: RuntimeSpec, options: SetupOnceOptions) {
    this.#runtime = runtime;
    this.#options = options;
    this.#groups = options.groups ?? new SharedGroups(options);
  }

  /** Rejects with the signal's reason when it is aborted. */
  get(signal: AbortSignal): Promise<RuntimeSetup> {
    signal.throwIfAborted();
    this.#setup ??= this.#make();
    return this.#setup;
  }

  /** Removes the runtime's folder if it was made, and its part of the server's groups. */
  async remove(): Promise<void> {
    const [setup] = await Promise.allSettled([this.#setup]);
    if (setup.status === "rejected" || setup.value === undefined) return;
    this.#setup = undefined;
    setup.value.runDir.remove();
    if (this.#options.sandbox === "auto") await this.#groups.leave();
  }

  async #make(): Promise<RuntimeSetup> {
    const {
      tmpBytesMax = tmpBytesMaxDefault,
      processesMax = processesMaxDefault,
      ...options
    } = this.#options;
    const runtime = this.#runtime;
    const groups = this.#groups;
    try {
      return await setUpRuntime({ ...options, runtime, groups, tmpBytesMax, processesMax });
    } catch (error) {
      // What was missing may be there at the next try.
      this.#setup = undefined;
      throw error;
    }
  }
}
