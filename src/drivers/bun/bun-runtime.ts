import type { RuntimeSpec } from "../process/process-runtime.ts";
import { buildBunGuest } from "./build-guest.ts";

export interface BunRuntimeOptions {
  /** Path of the Bun binary; `findBunBinary` finds it. */
  readonly runtimeBinary: string;
  /** Whether functions may load machine code into the runtime's process; not unless given. */
  readonly nativeAddons?: boolean;
}

/** How Bun is run, whatever isolates it. */
export function bunRuntime({
  runtimeBinary,
  nativeAddons = false,
}: BunRuntimeOptions): RuntimeSpec {
  return {
    name: "bun",
    binaryPath: runtimeBinary,
    args: ["--no-install", "--no-env-file", ...(nativeAddons ? [] : ["--no-addons"])],
    // A process of tier 0 has no process namespace that ends with its server.
    unsandboxedArgs: ["--no-orphans"],
    env: { BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0", DO_NOT_TRACK: "1" },
    guest: { name: "guest.js", build: buildBunGuest },
    mounts: [],
    version: (output) => output,
  };
}
