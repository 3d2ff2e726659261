import type { Clock } from "../../base/clock.ts";
import type { DriverProbe } from "../driver.ts";
import type { LaunchedGuest, Launcher } from "../process/launcher.ts";
import { cloneLaunch } from "./clone-launch.ts";
import type { MachineSize } from "./machine-size.ts";
import type { PersonaliseOptions } from "./personalise.ts";
import type { Machine } from "./vmm/machine.ts";

/** Processes and threads of the runtime's user inside a machine, as its agent sets it. */
export const processesMax = 256;

export interface MachineLauncherOptions extends PersonaliseOptions {
  readonly clock: Clock;
  readonly size: MachineSize;
  readonly probe: () => Promise<DriverProbe>;
  /** Makes a clone of the template for the size. */
  readonly clone: (signal: AbortSignal) => Promise<Machine>;
}

/** Starts each guest as a clone of a template of one size. */
export class MachineLauncher implements Launcher {
  readonly #options: MachineLauncherOptions;

  constructor(options: MachineLauncherOptions) {
    this.#options = options;
  }

  probe(): Promise<DriverProbe> {
    return this.#options.probe();
  }

  async launch(signal: AbortSignal): Promise<LaunchedGuest> {
    const { clone, size, ...personal } = this.#options;
    const machine = await clone(signal);
    const launch = await cloneLaunch(machine, { ...personal, memoryMb: size.memoryMb });
    return { launch, tier: 3, processesMax };
  }

  /** Its machines have ended; the templates stay for the next one. */
  async close(): Promise<void> {}
}
