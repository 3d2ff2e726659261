import { parseBundlePath } from "./bundle-path.ts";
import { parseEgressRule } from "./egress.ts";
import { ReactorError } from "./errors.ts";
import {
  type Isolation,
  isolations,
  type Manifest,
  type ManifestConcurrency,
  type ManifestLimits,
  type Runtime,
  runtimes,
} from "./manifest.ts";
import type { ManifestCaps, ManifestKey } from "./manifest-key.ts";
import { manifestKeys } from "./manifest-keys.ts";
import {
  createManifestReader,
  invalidManifest,
  kindOf,
  type ManifestReader,
  manifestKey,
  readString,
  shown,
  wrongType,
} from "./manifest-reader.ts";
import { parseManifestQueue } from "./parse-manifest-queue.ts";
import { parseHooks } from "./parse-hooks.ts";
import { parseSnapshot } from "./parse-snapshot.ts";
import { nearestKey } from "./nearest-key.ts";
import { parseCors, parseRateLimit, parseRoute } from "./parse-gateway-keys.ts";
import {
  isolationExists,
  memoryRangeMb,
  perInstanceDefault,
  runtimeLimits,
} from "./runtime-limits.ts";
import { tiers } from "./tiers.ts";

/** What holds where the manifest is silent. */
export interface ManifestDefaults {
  /** The function's name; the manifest may only repeat it. */
  readonly name: string;
  readonly runtime: Runtime;
  /** Undefined: the default of the runtime that the manifest ends up with. */
  readonly isolation: Isolation | undefined;
  /** Whether a manifest without `route` gets `/<name>`. */
  readonly routeByName?: boolean;
  /** The operator's caps; they win over the manifest. */
  readonly caps: ManifestCaps;
}

type Json = Readonly<Record<string, unknown>>;

const bytesPerMb = 1_048_576;

/**
 * Parses a manifest into a complete, frozen `Manifest` with every default filled in; pass `{}` for
 * an absent one. ReactorError `manifest_invalid` with `details.pointer` for the first key that is
 * unknown, of the wrong type, out of bounds or of a capability that is not built yet, and
 * `unsupported_runtime` for a runtime and isolation that do not exist together.
 */
export function parseManifest(json: unknown, defaults: ManifestDefaults): Manifest {
  if (!isObject(json)) throw invalidManifest("", `it is ${kindOf(json)}, must be an object`);
  const values = collect(json);
  const runtime = parseRuntime(values, defaults.runtime);
  const isolation = parseIsolation(values, runtime, defaults);
  const read = createManifestReader(values, { runtime, isolation, caps: defaults.caps });
  const name = read.string("/name") ?? defaults.name;
  if (name !== defaults.name) {
    throw invalidManifest(
      "/name",
      `it is "${name}", but the function is named "${defaults.name}"; correct the manifest or deploy to "${name}"`,
    );
  }
  return deepFreeze({
    name,
    runtime,
    isolation,
    minTier: tiers.find((tier) => tier === read.number("/min_tier")),
    snapshot: parseSnapshot(read, runtime, isolation),
    entrypoint: parseEntrypoint(read),
    handler: read.string("/handler"),
    access: parseAccess(read, defaults.caps),
    forwardAuthorization: read.boolean("/forward_authorization") ?? false,
    envKeys: read.strings("/env_keys"),
    secretKeys: parseSecretKeys(read),
    limits: parseLimits(read, runtime, isolation, defaults.caps),
    concurrency: parseConcurrency(read, runtime, isolation, defaults.caps),
    queue: parseManifestQueue(read),
    egressAllow: parseEgress(read, runtime),
    route: parseRoute(read, name, defaults.routeByName ?? false),
    cors: parseCors(read),
    rateLimit: parseRateLimit(read),
    hooks: parseHooks(read),
    bundleSha256: read.string("/bundle_sha256"),
  });
}

/** Every value by its pointer, after checking that each key exists in the table and is built. */
function collect(json: Json): ReadonlyMap<string, unknown> {
  const values = new Map<string, unknown>();
  const walk = (object: Json, parent: string): void => {
    for (const [name, value] of Object.entries(object)) {
      const pointer = `${parent}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
      const key = manifestKey(pointer);
      if (key === undefined) throw unknownKey(pointer, name, parent);
      if (key.type === "not built") {
        throw invalidManifest(
          pointer,
          `this version of Reactor does not have it; it needs ${key.missing}`,
        );
      }
      if (key.type === "object") {
        if (!isObject(value)) throw wrongType(pointer, value, "an object");
        walk(value, pointer);
      } else {
        values.set(pointer, value);
      }
    }
  };
  walk(json, "");
  return values;
}

function unknownKey(pointer: string, name: string, parent: string): ReactorError {
  // A key in the wrong object is as likely as a typing mistake, so leaves everywhere count; those
  // of the same object come first and win among equals.
  const candidates = new Map<string, string>();
  const known = [...manifestKeys].filter((key) => key.type !== "not built");
  const sameObject = (key: ManifestKey): boolean => parentOf(key.pointer) === parent;
  for (const key of [...known.filter(sameObject), ...known]) {
    const leaf = key.pointer.slice(key.pointer.lastIndexOf("/") + 1);
    if (!candidates.has(leaf)) candidates.set(leaf, key.pointer);
  }
  const nearest = candidates.get(nearestKey(name, candidates.keys()) ?? "") ?? "";
  return invalidManifest(
    pointer,
    `there is no such key; the nearest valid key is "${nearest.slice(1).replaceAll("/", ".")}"`,
  );
}

function parentOf(pointer: string): string {
  return pointer.slice(0, pointer.lastIndexOf("/"));
}

function parseRuntime(values: ReadonlyMap<string, unknown>, fallback: Runtime): Runtime {
  const raw = values.get("/runtime");
  if (raw === undefined && !values.has("/runtime")) return fallback;
  const key = manifestKey("/runtime");
  if (key === undefined) throw new Error("Assertion failed: no manifest key /runtime");
  const name = readString(key, raw);
  // `javascript` and `typescript` are the only other choices.
  return runtimes.find((runtime) => runtime === name) ?? "bun";
}

function parseIsolation(
  values: ReadonlyMap<string, unknown>,
  runtime: Runtime,
  defaults: ManifestDefaults,
): Isolation {
  const key = manifestKey("/isolation");
  if (key === undefined) throw new Error("Assertion failed: no manifest key /isolation");
  const name = values.has("/isolation") ? readString(key, values.get("/isolation")) : undefined;
  const isolation =
    isolations.find((candidate) => candidate === name) ??
    (runtime === defaults.runtime ? defaults.isolation : undefined) ??
    runtimeLimits[runtime].isolations[0];
  requireIsolation(runtime, isolation, "/isolation");
  return isolation;
}

/** Throws `unsupported_runtime` when the runtime does not exist at the isolation. */
export function requireIsolation(runtime: Runtime, isolation: Isolation, pointer?: string): void {
  if (isolationExists(runtime, isolation)) return;
  const known = runtimeLimits[runtime].isolations.join(" or ");
  throw new ReactorError(
    "unsupported_runtime",
    `Cannot run ${runtime} at isolation "${isolation}": it exists at ${known}`,
    { details: { runtime, isolation, ...(pointer === undefined ? {} : { pointer }) } },
  );
}

function parseEntrypoint(read: ManifestReader): string | undefined {
  const raw = read.string("/entrypoint");
  if (raw === undefined) return undefined;
  try {
    const path = parseBundlePath(raw);
    if (path !== "") return path;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw invalidManifest("/entrypoint", reason, cause);
  }
  throw invalidManifest("/entrypoint", `it is ${shown(raw)}, must be the path of a file`);
}

function parseAccess(read: ManifestReader, caps: ManifestCaps): Manifest["access"] {
  const access = read.string("/access");
  if (access === "jwt" && !caps.believesTokens) {
    throw invalidManifest(
      "/access",
      'it is "jwt", but this server believes no issuer\'s tokens: its operator sets jwt.issuer, jwt.audience and jwt.jwks_urls or jwt.secret',
    );
  }
  return access === "key" || access === "public" || access === "jwt" ? access : undefined;
}

function parseSecretKeys(read: ManifestReader): readonly string[] | undefined {
  const secretKeys = read.strings("/secret_keys");
  const envKeys = read.strings("/env_keys") ?? [];
  const both = secretKeys?.find((key) => envKeys.includes(key));
  if (both !== undefined) {
    throw invalidManifest(
      "/secret_keys",
      `"${both}" is also listed in env_keys; keep it in one of them`,
    );
  }
  return secretKeys;
}

function parseLimits(
  read: ManifestReader,
  runtime: Runtime,
  isolation: Isolation,
  caps: ManifestCaps,
): ManifestLimits {
  const memoryMb = read.number("/limits/memory_mb");
  if (memoryMb !== undefined && isolation === "worker") {
    throw invalidManifest(
      "/limits/memory_mb",
      'a worker has no memory limit of its own; leave the key out or use isolation "process"',
    );
  }
  const vcpu = read.number("/limits/vcpu");
  if (vcpu !== undefined && isolation === "worker") {
    throw invalidManifest(
      "/limits/vcpu",
      'a worker has no processor of its own; leave the key out or use isolation "process"',
    );
  }
  if (vcpu !== undefined && runtime === "lambda") {
    throw invalidManifest(
      "/limits/vcpu",
      "AWS Lambda gives processors by memory; set memory_mb and leave it out",
    );
  }
  if (vcpu !== undefined && isolation === "microvm" && !Number.isInteger(vcpu)) {
    throw invalidManifest(
      "/limits/vcpu",
      'a microVM has whole processors, 1 to 32; for a part of one use isolation "process", where a control group holds it',
    );
  }
  const memoryRange = memoryRangeMb(runtime, isolation);
  const memoryDefault = Math.max(memoryRange.min, runtimeLimits[runtime].memoryMbDefault);
  const bodyBytes = (pointer: string, fallbackMb: number): number =>
    Math.floor((read.number(pointer) ?? fallbackMb) * bytesPerMb);
  return {
    timeoutMs:
      read.number("/limits/timeout_ms") ?? Math.min(caps.timeoutMsDefault, caps.timeoutMsMax),
    idleTimeoutMs: read.number("/limits/idle_timeout_ms") ?? 30_000,
    streamTimeoutMs: read.number("/limits/stream_timeout_ms") ?? 900_000,
    drainTimeoutMs: read.number("/limits/drain_timeout_ms") ?? 60_000,
    waitUntilMs: read.number("/limits/wait_until_ms") ?? 30_000,
    memoryMb: { value: memoryMb ?? memoryDefault, written: memoryMb !== undefined },
    vcpu,
    bodyInBytesMax: bodyBytes("/limits/max_body_in_mb", 5),
    bodyOutBytesMax: bodyBytes("/limits/max_body_out_mb", 6),
  };
}

function parseConcurrency(
  read: ManifestReader,
  runtime: Runtime,
  isolation: Isolation,
  caps: ManifestCaps,
): ManifestConcurrency {
  const maxInstances = read.number("/concurrency/max_instances") ?? caps.instancesMax;
  const minInstances = read.number("/concurrency/min_instances") ?? 0;
  if (minInstances > maxInstances) {
    throw invalidManifest(
      "/concurrency/min_instances",
      `it is ${minInstances}, must not be over max_instances (${maxInstances})`,
    );
  }
  const perInstance =
    read.number("/concurrency/per_instance") ?? perInstanceDefault(runtime, isolation);
  return {
    minInstances,
    maxInstances,
    perInstance,
    maxConcurrency: read.number("/concurrency/max_concurrency") ?? maxInstances * perInstance,
    queueMs: read.number("/concurrency/queue_ms") ?? 100,
    idleTtlMs: (read.number("/concurrency/idle_ttl_secs") ?? caps.idleTtlSecsDefault) * 1000,
  };
}

function parseEgress(read: ManifestReader, runtime: Runtime): readonly string[] | undefined {
  const allow = read.strings("/egress/allow");
  if (allow !== undefined && runtime === "lambda") {
    throw invalidManifest(
      "/egress/allow",
      "AWS Lambda has no connection home to hold it; leave it out",
    );
  }
  for (const [index, entry] of (allow ?? []).entries()) {
    if (parseEgressRule(entry) === undefined) {
      throw invalidManifest(
        `/egress/allow/${index}`,
        `it is ${shown(entry)}, must be host, host:port, *.domain or *.domain:port`,
      );
    }
  }
  return allow;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    if (typeof part === "object" && part !== null) deepFreeze(part);
  }
  return Object.freeze(value);
}
