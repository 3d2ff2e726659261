import type { DriverProbe } from "../driver.ts";
import { bootLimits } from "./instance-limits.ts";
import { launch } from "./launch.ts";
import type { LaunchedGuest, Launcher } from "./launcher.ts";
import type { RuntimeSpec } from "./process-runtime.ts";
import { probeOf, unavailable } from "./runtime-probe.ts";
import { SetupOnce, type SetupOnceOptions } from "./setup-once.ts";

/** Starts each guest as a process of this machine, in the best sandbox that the machine gives. */
export class SandboxLauncher implements Launcher {
  readonly #runtime: RuntimeSpec;
  readonly #setup: SetupOnce;

  constructor(runtime: RuntimeSpec, options: SetupOnceOptions) {
    this.#runtime = runtime;
    this.#setup = new SetupOnce(runtime, options);
  }

  async probe(signal: AbortSignal): Promise<DriverProbe> {
    try {
      return probeOf(await this.#setup.get(signal));
    } catch (error) {
      return unavailable(this.#runtime, error);
    }
  }

  async launch(signal: AbortSignal): Promise<LaunchedGuest> {
    const { profile, runDir } = await this.#setup.get(signal);
    const { tier, processesMax } = profile;
    return { launch: await launch(profile, runDir, bootLimits(profile)), tier, processesMax };
  }

  close(): Promise<void> {
    return this.#setup.remove();
  }
}
