import type { Driver } from "../driver.ts";
import { bundleTargets } from "../javascript/bundle-target.ts";
import { javascriptDriver } from "../javascript/javascript-driver.ts";
import { buildPodGuest } from "./build-guest.ts";
import { denoRuntime } from "./deno-runtime.ts";
import { PodHost, type PodHostOptions } from "./pod-host.ts";

export interface DenoWorkerDriverOptions extends PodHostOptions {
  /** Path of the Deno binary; `findDenoBinary` finds it. */
  readonly runtimeBinary: string;
}

/**
 * Creates the driver that runs functions as Deno Web Workers with net permission only, those of one
 * project together in a sandboxed process, their pod.
 */
export function createDenoWorkerDriver(options: DenoWorkerDriverOptions): Driver {
  const host = new PodHost(
    {
      ...denoRuntime,
      name: "deno-worker",
      args: [...denoRuntime.args, "--unstable-worker-options"],
      binaryPath: options.runtimeBinary,
      guest: { name: "pod.js", build: buildPodGuest },
    },
    options,
  );
  return javascriptDriver({ name: "deno-worker", target: bundleTargets.deno, host });
}
