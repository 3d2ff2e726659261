import type { Driver } from "../driver.ts";
import { bundleFunction } from "../javascript/bundle-function.ts";
import { bundleTargets } from "../javascript/bundle-target.ts";
import { releaseBundler, retainBundler } from "../javascript/bundler-lifetime.ts";
import { explainStart } from "../javascript/explain-start.ts";
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
  retainBundler();
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await host.close();
    await releaseBundler();
  };
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
  return {
    name: "deno-worker",
    probe: () => host.probe(),
    warm: () => host.warm(),
    prepare: (request, signal) => bundleFunction(request, bundleTargets.deno, signal),
    start: (artifact, spec, signal) => explainStart(artifact, host.start(artifact, spec, signal)),
    close() {
      closed ??= close();
      return closed;
    },
  };
}
