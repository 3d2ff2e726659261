import type { Driver } from "../driver.ts";
import { bundleFunction } from "../javascript/bundle-function.ts";
import { bundleTargets, withNativeAddons } from "../javascript/bundle-target.ts";
import { releaseBundler, retainBundler } from "../javascript/bundler-lifetime.ts";
import { explainStart } from "../javascript/explain-start.ts";
import { ProcessHost, type ProcessHostOptions } from "../process/process-host.ts";
import { buildBunGuest } from "./build-guest.ts";

export interface BunDriverOptions extends ProcessHostOptions {
  /** Path of the Bun binary; `findBunBinary` finds it. */
  readonly runtimeBinary: string;
  /** Whether functions may load machine code into the runtime's process; not unless given. */
  readonly nativeAddons?: boolean;
}

/** Creates the driver that runs functions in sandboxed Bun processes. */
export function createBunDriver(options: BunDriverOptions): Driver {
  const { nativeAddons = false } = options;
  const target = nativeAddons ? withNativeAddons(bundleTargets.bun) : bundleTargets.bun;
  retainBundler();
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await host.close();
    await releaseBundler();
  };
  const host = new ProcessHost(
    {
      name: "bun",
      binaryPath: options.runtimeBinary,
      args: ["--no-install", "--no-env-file", ...(nativeAddons ? [] : ["--no-addons"])],
      // A process of tier 0 has no process namespace that ends with its server.
      unsandboxedArgs: ["--no-orphans"],
      env: { BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0", DO_NOT_TRACK: "1" },
      guest: { name: "guest.js", build: buildBunGuest },
      mounts: [],
      version: (output) => output,
    },
    options,
  );
  return {
    name: "bun",
    probe: () => host.probe(),
    warm: () => host.warm(),
    prepare: (request, signal) => bundleFunction(request, target, signal),
    start: (artifact, spec, signal) => explainStart(artifact, host.start(artifact, spec, signal)),
    close() {
      closed ??= close();
      return closed;
    },
  };
}
