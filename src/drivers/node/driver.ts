import { ReactorError } from "../../domain/errors.ts";
import type { Driver } from "../driver.ts";
import { bundleTargets, withNativeAddons } from "../javascript/bundle-target.ts";
import { javascriptDriver } from "../javascript/javascript-driver.ts";
import { ProcessHost, type ProcessHostOptions } from "../process/process-host.ts";
import { SandboxLauncher } from "../process/sandbox-launcher.ts";
import { buildNodeGuest } from "./build-guest.ts";

export interface NodeDriverOptions extends ProcessHostOptions {
  /** Path of the Node binary; `findNodeBinary` finds it. */
  readonly runtimeBinary: string;
  /** Whether functions may load machine code into the runtime's process; not unless given. */
  readonly nativeAddons?: boolean;
}

const majorMin = 20;

/** Creates the driver that runs functions in sandboxed Node processes. */
export function createNodeDriver(options: NodeDriverOptions): Driver {
  const { nativeAddons = false } = options;
  const target = nativeAddons ? withNativeAddons(bundleTargets.node) : bundleTargets.node;
  const launcher = new SandboxLauncher(
    {
      name: "node",
      binaryPath: options.runtimeBinary,
      args: nativeAddons ? [] : ["--no-addons"],
      unsandboxedArgs: [],
      env: {},
      guest: { name: "guest.cjs", build: buildNodeGuest },
      mounts: [],
      version: supportedVersion,
    },
    options,
  );
  const host = new ProcessHost(launcher, options);
  return javascriptDriver({ name: "node", target, host });
}

/** Reads `v20.20.2`; throws for a version that lacks what the guest needs. */
function supportedVersion(output: string): string {
  const [, version = "", major] = /^v((\d+)\.\d+\.\d+\S*)/.exec(output.trim()) ?? [];
  if (Number(major) >= majorMin) return version;
  throw new ReactorError(
    "unsupported_runtime",
    `Cannot run Node functions: the binary is version "${output.trim().slice(0, 80)}", must be ${majorMin} or newer`,
    {
      details: {
        remedy: `Install Node ${majorMin} or newer, or name its binary as functions.node_path`,
      },
    },
  );
}
