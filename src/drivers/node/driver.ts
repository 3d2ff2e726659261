import type { Driver } from "../driver.ts";
import { bundleTargets, withNativeAddons } from "../javascript/bundle-target.ts";
import { javascriptDriver } from "../javascript/javascript-driver.ts";
import { ProcessHost, type ProcessHostOptions } from "../process/process-host.ts";
import { SandboxLauncher } from "../process/sandbox-launcher.ts";
import { type NodeRuntimeOptions, nodeRuntime } from "./node-runtime.ts";

export type NodeDriverOptions = ProcessHostOptions & NodeRuntimeOptions;

/** Creates the driver that runs functions in sandboxed Node processes. */
export function createNodeDriver(options: NodeDriverOptions): Driver {
  const { nativeAddons = false } = options;
  const target = nativeAddons ? withNativeAddons(bundleTargets.node) : bundleTargets.node;
  const host = new ProcessHost(new SandboxLauncher(nodeRuntime(options), options), options);
  return javascriptDriver({ name: "node", target, host });
}
