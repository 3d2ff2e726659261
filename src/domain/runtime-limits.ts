import type { Isolation, Runtime } from "./manifest.ts";

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** What a runtime allows and what it gives when the manifest is silent. */
export interface RuntimeLimits {
  /** Isolations that exist for the runtime; the first is the default. */
  readonly isolations: readonly [Isolation, ...Isolation[]];
  readonly memoryMb: Range;
  readonly memoryMbDefault: number;
  readonly timeoutMsMax: number;
  readonly perInstance: Range;
  readonly perInstanceDefault: number;
  /** File name endings (with the dot) of entry points it can run, in order of preference. */
  readonly entrypointEndings: readonly string[];
}

const scriptEndings = [".ts", ".tsx", ".js", ".mjs", ".cjs", ".jsx"] as const;
const processMemoryMb: Range = { min: 64, max: 2048 };
const sharedInstance: Range = { min: 1, max: 1000 };
const singleRequest: Range = { min: 1, max: 1 };

const scriptLimits = {
  isolations: ["process", "microvm"],
  memoryMb: processMemoryMb,
  memoryMbDefault: 256,
  timeoutMsMax: 300_000,
  perInstance: sharedInstance,
  perInstanceDefault: 10,
  entrypointEndings: scriptEndings,
} as const satisfies RuntimeLimits;

/** Bounds and defaults per runtime. The reference page comes from this table. */
export const runtimeLimits = {
  bun: scriptLimits,
  node: scriptLimits,
  deno: { ...scriptLimits, isolations: ["process", "worker"] },
  python: { ...scriptLimits, perInstanceDefault: 8, entrypointEndings: [".py"] },
  wasm: {
    isolations: ["wasm"],
    memoryMb: { min: 32, max: 1024 },
    memoryMbDefault: 256,
    timeoutMsMax: 300_000,
    // A component instance serves one request and is thrown away.
    perInstance: singleRequest,
    perInstanceDefault: 1,
    entrypointEndings: [".wasm"],
  },
  lambda: {
    // AWS runs every Lambda in a microVM of its own.
    isolations: ["microvm"],
    memoryMb: { min: 128, max: 10_240 },
    memoryMbDefault: 256,
    timeoutMsMax: 900_000,
    perInstance: singleRequest,
    perInstanceDefault: 1,
    entrypointEndings: [...scriptEndings, ".py"],
  },
} as const satisfies Record<Runtime, RuntimeLimits>;

const microvmMemoryMb: Range = { min: 128, max: 3072 };

/** Memory bounds of a runtime at an isolation; a local microVM has bounds of its own. */
export function memoryRangeMb(runtime: Runtime, isolation: Isolation): Range {
  return isolation === "microvm" && runtime !== "lambda"
    ? microvmMemoryMb
    : runtimeLimits[runtime].memoryMb;
}

/** Requests an instance serves at once when the manifest is silent. */
export function perInstanceDefault(runtime: Runtime, isolation: Isolation): number {
  return isolation === "microvm" ? 1 : runtimeLimits[runtime].perInstanceDefault;
}

/** Whether the runtime exists at the isolation at all (not whether this machine has it). */
export function isolationExists(runtime: Runtime, isolation: Isolation): boolean {
  const known: readonly Isolation[] = runtimeLimits[runtime].isolations;
  return known.includes(isolation);
}
