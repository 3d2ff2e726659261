import type { Driver } from "../driver.ts";
import { bundleTargets, withNativeAddons } from "../javascript/bundle-target.ts";
import { javascriptDriver } from "../javascript/javascript-driver.ts";
import { ProcessHost, type ProcessHostOptions } from "../process/process-host.ts";
import { SandboxLauncher } from "../process/sandbox-launcher.ts";
import { type BunRuntimeOptions, bunRuntime } from "./bun-runtime.ts";

export type BunDriverOptions = ProcessHostOptions & BunRuntimeOptions;

/** Creates the driver that runs functions in sandboxed Bun processes. */
export function createBunDriver(options: BunDriverOptions): Driver {
  const { nativeAddons = false } = options;
  const target = nativeAddons ? withNativeAddons(bundleTargets.bun) : bundleTargets.bun;
  const host = new ProcessHost(new SandboxLauncher(bunRuntime(options), options), options);
  return javascriptDriver({ name: "bun", target, host });
}
