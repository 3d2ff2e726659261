import { ReactorError } from "../../domain/errors.ts";
import type { RuntimeSpec } from "../process/process-runtime.ts";
import { buildNodeGuest } from "./build-guest.ts";

export interface NodeRuntimeOptions {
  /** Path of the Node binary; `findNodeBinary` finds it. */
  readonly runtimeBinary: string;
  /** Whether functions may load machine code into the runtime's process; not unless given. */
  readonly nativeAddons?: boolean;
}

const majorMin = 20;

/** How Node is run, whatever isolates it. */
export function nodeRuntime({
  runtimeBinary,
  nativeAddons = false,
}: NodeRuntimeOptions): RuntimeSpec {
  return {
    name: "node",
    binaryPath: runtimeBinary,
    args: nativeAddons ? [] : ["--no-addons"],
    unsandboxedArgs: [],
    env: {},
    guest: { name: "guest.cjs", build: buildNodeGuest },
    mounts: [],
    version: supportedVersion,
  };
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
