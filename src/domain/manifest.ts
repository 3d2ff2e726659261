import type { Tier } from "./instance.ts";
import type { ManifestCors } from "./cors.ts";
import type { ManifestRateLimit } from "./rate-limit.ts";
import type { ManifestRoute } from "./route.ts";
import type { ManifestHooks } from "./hook.ts";
import type { ManifestQueue } from "./manifest-queue.ts";

/** Runtimes a manifest may name. `javascript` and `typescript` are parsed as `bun`. */
export const runtimes = ["bun", "node", "deno", "python", "wasm", "lambda"] as const;
export type Runtime = (typeof runtimes)[number];

export const isolations = ["process", "worker", "microvm", "wasm"] as const;
export type Isolation = (typeof isolations)[number];

export type AccessMode = "key" | "jwt" | "public";

/** A limit and whether the author wrote it (then it must be enforced) or it is a default. */
export interface Limit {
  readonly value: number;
  readonly written: boolean;
}

export interface ManifestLimits {
  readonly timeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly streamTimeoutMs: number;
  readonly drainTimeoutMs: number;
  readonly waitUntilMs: number;
  readonly memoryMb: Limit;
  /** Processors of one instance, parts of one too; undefined: as much as the machine has left. */
  readonly vcpu: number | undefined;
  readonly bodyInBytesMax: number;
  readonly bodyOutBytesMax: number;
}

export interface ManifestConcurrency {
  readonly minInstances: number;
  readonly maxInstances: number;
  /** Requests one instance serves at once. */
  readonly perInstance: number;
  /** Requests of the function running at once, over all instances. */
  readonly maxConcurrency: number;
  /** How long a request may wait for a free slot before 429. */
  readonly queueMs: number;
  readonly idleTtlMs: number;
}

/** A parsed, complete and frozen manifest; every default is filled in. Wire names are snake_case. */
export interface Manifest {
  readonly name: string;
  readonly runtime: Runtime;
  readonly isolation: Isolation;
  /** Lowest isolation tier that it may run at. Undefined: whatever this machine gives. */
  readonly minTier: Tier | undefined;
  /** Instances begin with the module imported already, from a snapshot of the deployment's own. */
  readonly snapshot: boolean;
  /** Path below the bundle's root, forward slashes; undefined until resolved against the files. */
  readonly entrypoint: string | undefined;
  /** Name of the export to call for shape 3. */
  readonly handler: string | undefined;
  /** Undefined: the running mode decides per request (`key` under serve, `public` under dev). */
  readonly access: AccessMode | undefined;
  readonly forwardAuthorization: boolean;
  /** Undefined: all keys of the function and its project. */
  readonly envKeys: readonly string[] | undefined;
  readonly secretKeys: readonly string[] | undefined;
  readonly limits: ManifestLimits;
  readonly concurrency: ManifestConcurrency;
  readonly queue: ManifestQueue;
  /** Undefined: the internet without private addresses. */
  readonly egressAllow: readonly string[] | undefined;
  /** Undefined: nothing at the server's root leads to the function. */
  readonly route: ManifestRoute | undefined;
  /** Undefined: the function answers preflights and sets the headers itself. */
  readonly cors: ManifestCors | undefined;
  readonly rateLimit: ManifestRateLimit | undefined;
  /** Undefined: bound to no provisioning hook. */
  readonly hooks: ManifestHooks | undefined;
  /** What the author claims the bundle's digest to be. */
  readonly bundleSha256: string | undefined;
}
