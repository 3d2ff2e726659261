import type { Driver } from "../driver.ts";
import { bundleFunction } from "../javascript/bundle-function.ts";
import { bundleTargets } from "../javascript/bundle-target.ts";
import { releaseBundler, retainBundler } from "../javascript/bundler-lifetime.ts";
import { explainStart } from "../javascript/explain-start.ts";
import { ProcessHost, type ProcessHostOptions } from "../process/process-host.ts";
import { buildDenoGuest } from "./build-guest.ts";
import { denoRuntime } from "./deno-runtime.ts";

export interface DenoDriverOptions extends ProcessHostOptions {
  /** Path of the Deno binary; `findDenoBinary` finds it. */
  readonly runtimeBinary: string;
}

/** Creates the driver that runs functions in sandboxed Deno processes with net permission only. */
export function createDenoDriver(options: DenoDriverOptions): Driver {
  retainBundler();
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await host.close();
    await releaseBundler();
  };
  const host = new ProcessHost(
    {
      ...denoRuntime,
      name: "deno",
      binaryPath: options.runtimeBinary,
      guest: { name: "guest.js", build: buildDenoGuest },
    },
    options,
  );
  return {
    name: "deno",
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
