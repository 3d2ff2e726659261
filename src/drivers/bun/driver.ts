import type { Driver } from "../driver.ts";
import { bundleTargets, withNativeAddons } from "../javascript/bundle-target.ts";
import { javascriptDriver } from "../javascript/javascript-driver.ts";
import { ProcessHost, type ProcessHostOptions } from "../process/process-host.ts";
import { SandboxLauncher } from "../process/sandbox-launcher.ts";
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
  const launcher = new SandboxLauncher(
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
  const host = new ProcessHost(launcher, options);
  return javascriptDriver({ name: "bun", target, host });
}
