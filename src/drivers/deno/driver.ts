import type { Driver } from "../driver.ts";
import { bundleTargets } from "../javascript/bundle-target.ts";
import { javascriptDriver } from "../javascript/javascript-driver.ts";
import { ProcessHost, type ProcessHostOptions } from "../process/process-host.ts";
import { SandboxLauncher } from "../process/sandbox-launcher.ts";
import { buildDenoGuest } from "./build-guest.ts";
import { denoRuntime } from "./deno-runtime.ts";

export interface DenoDriverOptions extends ProcessHostOptions {
  /** Path of the Deno binary; `findDenoBinary` finds it. */
  readonly runtimeBinary: string;
}

/** Creates the driver that runs functions in sandboxed Deno processes with net permission only. */
export function createDenoDriver(options: DenoDriverOptions): Driver {
  const launcher = new SandboxLauncher(
    {
      ...denoRuntime,
      name: "deno",
      binaryPath: options.runtimeBinary,
      guest: { name: "guest.js", build: buildDenoGuest },
    },
    options,
  );
  const host = new ProcessHost(launcher, options);
  return javascriptDriver({ name: "deno", target: bundleTargets.deno, host });
}
