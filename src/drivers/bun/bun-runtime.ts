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
    // A collection that is due when a template is written would run in each of its clones, beside their
    // start. The engine collects by itself what a function leaves.
    machineEnv: { BUN_GC_TIMER_DISABLE: "1" },
    guest: { name: "guest.js", build: buildBunGuest },
    mounts: [],
    version: (output) => output,
  };
}
