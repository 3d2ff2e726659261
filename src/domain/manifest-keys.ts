import type { KeyContext, KeyRange, ManifestCaps, ManifestKey } from "./manifest-key.ts";
import { hookKeys } from "./hook-keys.ts";
import { envKeyPattern, functionNamePattern } from "./names.ts";
import { queueConcurrencyKey, queueKeys } from "./queue-keys.ts";
import { routeKeys } from "./route-keys.ts";
import { memoryRangeMb, runtimeLimits } from "./runtime-limits.ts";

/** The caps of a server whose settings are all at their defaults. */
export const defaultManifestCaps: ManifestCaps = {
  timeoutMsMax: 300_000,
  timeoutMsDefault: 30_000,
  instancesMax: 8,
  idleTtlSecsDefault: 300,
  believesTokens: false,
};

/** The timeout bound: the runtime's own, lowered by the server's setting. */
function timeoutRange({ runtime, caps }: KeyContext): KeyRange {
  const ownMax = runtimeLimits[runtime].timeoutMsMax;
  // Lambda may run for 900 s, beyond the setting's default of 300 s; the setting binds it only
  // when the operator lowered it below what every other runtime may have.
  const binds = ownMax <= 300_000 || caps.timeoutMsMax < 300_000;
  return binds && caps.timeoutMsMax < ownMax
    ? { min: 1, max: caps.timeoutMsMax, because: "the server's setting invoke_max_timeout_ms" }
    : { min: 1, max: ownMax };
}

function instancesRange(min: number, { caps }: KeyContext): KeyRange {
  return { min, max: caps.instancesMax, because: "the server's setting bun_max_instances_per_fn" };
}

const between = (min: number, max: number) => (): KeyRange => ({ min, max });

function notBuilt(pointer: string, missing: string, description: string): ManifestKey {
  return { pointer, type: "not built", missing, bounds: "refused", default: "–", description };
}

const handlerPattern = /^[A-Za-z_$][A-Za-z0-9_$]*$/;

const identityKeys: readonly ManifestKey[] = [
  {
    pointer: "/name",
    type: "string",
    pattern: functionNamePattern,
    lengthMax: 63,
    bounds: "the function's own name",
    default: "the function's name",
    description: "Name of the function; must equal the one it is deployed to.",
  },
  {
    pointer: "/runtime",
    type: "choice",
    choices: ["bun", "node", "deno", "python", "wasm", "lambda", "javascript", "typescript"],
    bounds: "one of bun, node, deno, python, wasm, lambda; javascript and typescript mean bun",
    default: "the function's runtime; deno in a flux.json",
    description: "What runs the code; must equal the function's runtime.",
  },
  {
    pointer: "/isolation",
    type: "choice",
    choices: ["process", "worker", "microvm", "wasm"],
    bounds: "process (bun, node, deno, python), worker (deno), microvm (bun, node, python), wasm",
    default: "the function's isolation",
    description: "What stands between the code and the host.",
  },
  {
    pointer: "/min_tier",
    type: "integer",
    range: between(0, 3),
    bounds: "0 process, 1 sandbox, 2 hardened, 3 microvm",
    default: "none: the tier that the machine gives",
    description:
      "Lowest isolation tier; where a machine gives less, the deploy is refused and invocations answer 503.",
  },
  {
    pointer: "/snapshot",
    type: "boolean",
    bounds: "true or false; true for a microVM whose function receives no env and no secrets",
    default: "false",
    description:
      "Whether instances begin with the module imported, from a snapshot made at deploy: what the import computed, random values too, is the same in all of them.",
  },
  {
    pointer: "/entrypoint",
    type: "string",
    lengthMax: 512,
    bounds: "path of a file in the bundle, at most 512 bytes",
    default: "first of code/index.*, index.*, handler.*, main.* that the runtime can run",
    description: "The module that is loaded.",
  },
  {
    pointer: "/handler",
    type: "string",
    pattern: handlerPattern,
    lengthMax: 128,
    bounds: "a JavaScript identifier of at most 128 characters",
    default: "by the handler shape",
    description: "Name of the export that is called.",
  },
  {
    pointer: "/access",
    type: "choice",
    choices: ["key", "public", "jwt"],
    bounds: "key, public, or jwt where `jwt.issuer` is set",
    default: "key under `reactor serve`, public under `reactor dev`",
    description: "What a caller must show.",
  },
  {
    pointer: "/forward_authorization",
    type: "boolean",
    bounds: "true or false",
    default: "false",
    description: "Whether the function sees the caller's Authorization header.",
  },
  {
    pointer: "/bundle_sha256",
    type: "string",
    pattern: /^[0-9a-f]{64}$/,
    lengthMax: 64,
    bounds: "64 lower-case hex digits",
    default: "not checked",
    description: "The author's digest of the files; the server recomputes it and refuses another.",
  },
];

const environmentKeys: readonly ManifestKey[] = [
  {
    pointer: "/env_keys",
    type: "strings",
    pattern: envKeyPattern,
    lengthMax: 128,
    itemsMax: 256,
    bounds: "at most 256 keys, each ^[A-Z][A-Z0-9_]{0,127}$",
    default: "all keys of the function and its project",
    description: "Variables the function receives; each must be set before the deploy.",
  },
  {
    pointer: "/secret_keys",
    type: "strings",
    pattern: envKeyPattern,
    lengthMax: 128,
    itemsMax: 256,
    bounds: "at most 256 keys, each ^[A-Z][A-Z0-9_]{0,127}$",
    default: "all secrets of the function and its project",
    description: "Secrets the function receives; each must be set before the deploy.",
  },
];

const limitKeys: readonly ManifestKey[] = [
  {
    pointer: "/limits",
    type: "object",
    bounds: "an object",
    default: "{}",
    description: "Limits of one invocation.",
  },
  {
    pointer: "/limits/timeout_ms",
    type: "integer",
    range: timeoutRange,
    bounds: "1–300000 (lambda 900000), at most the server's invoke_max_timeout_ms",
    default: "the server's invoke_default_timeout_ms (30000)",
    description: "Milliseconds until the response's head, and until the end of a buffered body.",
  },
  {
    pointer: "/limits/idle_timeout_ms",
    type: "integer",
    range: between(1, 900_000),
    bounds: "1–900000",
    default: "30000",
    description: "Milliseconds between two chunks of a streamed response.",
  },
  {
    pointer: "/limits/stream_timeout_ms",
    type: "integer",
    range: between(1, 86_400_000),
    bounds: "1–86400000",
    default: "900000",
    description: "Milliseconds a streamed response may last in all.",
  },
  {
    pointer: "/limits/drain_timeout_ms",
    type: "integer",
    range: between(0, 900_000),
    bounds: "0–900000",
    default: "60000",
    description: "Milliseconds running requests get when their deployment is replaced.",
  },
  {
    pointer: "/limits/wait_until_ms",
    type: "integer",
    range: between(0, 900_000),
    bounds: "0–900000",
    default: "30000",
    description: "Milliseconds that work handed to ctx.waitUntil may go on after the response.",
  },
  {
    pointer: "/limits/memory_mb",
    type: "integer",
    range: ({ runtime, isolation }) => memoryRangeMb(runtime, isolation),
    bounds: "64–2048; wasm 32–1024, microvm 128–3072, lambda 128–10240; none for a worker",
    default: "256, at the best level this machine can hold",
    description:
      "Memory of one instance in MB. When written it is enforced or the deploy refused. MicroVMs have 128, 256, 512, 1024, 2048 or 3072; others round up.",
  },
  {
    pointer: "/limits/vcpu",
    type: "number",
    range: between(0.1, 32),
    bounds: "0.1–32; microvm 1–32 in whole ones; none for a worker and lambda",
    default: "no quota: each busy instance gets as much as another; one for a microVM",
    description:
      "Processors of one instance, held by a quota or by its microVM; without either the deploy is refused.",
  },
  {
    pointer: "/limits/max_body_in_mb",
    type: "number",
    range: between(0.001, 1024),
    bounds: "0.001–1024",
    default: "5",
    description: "Largest request body in MB (1 MB is 1048576 bytes).",
  },
  {
    pointer: "/limits/max_body_out_mb",
    type: "number",
    range: between(0.001, 1024),
    bounds: "0.001–1024",
    default: "6",
    description: "Largest response body in MB; a stream is cut there and the log says why.",
  },
];

const concurrencyKeys: readonly ManifestKey[] = [
  {
    pointer: "/concurrency",
    type: "object",
    bounds: "an object",
    default: "{}",
    description: "How many requests and instances may run at once.",
  },
  {
    pointer: "/concurrency/min_instances",
    type: "integer",
    range: (context) => instancesRange(0, context),
    bounds: "0–max_instances",
    default: "0",
    description: "Instances that are kept running without traffic.",
  },
  {
    pointer: "/concurrency/max_instances",
    type: "integer",
    range: (context) => instancesRange(1, context),
    bounds: "1–the server's bun_max_instances_per_fn (8)",
    default: "the server's bun_max_instances_per_fn",
    description: "Instances that may run at once.",
  },
  {
    pointer: "/concurrency/per_instance",
    type: "integer",
    range: ({ runtime }) => runtimeLimits[runtime].perInstance,
    bounds: "1–1000; wasm and lambda 1",
    default: "bun, node, deno 10; python 8; microvm, wasm, lambda 1",
    description: "Requests that one instance serves at once.",
  },
  {
    pointer: "/concurrency/max_concurrency",
    type: "integer",
    range: between(1, 100_000),
    bounds: "1–100000",
    default: "max_instances × per_instance",
    description: "Requests of the function that run at once; beyond it 429 after queue_ms.",
  },
  {
    pointer: "/concurrency/queue_ms",
    type: "integer",
    range: between(0, 60_000),
    bounds: "0–60000",
    default: "100",
    description: "Milliseconds a request waits for a free slot before 429.",
  },
  {
    pointer: "/concurrency/idle_ttl_secs",
    type: "integer",
    range: between(1, 86_400),
    bounds: "1–86400",
    default: "the server's bun_idle_ttl_secs (300)",
    description: "Seconds without a request after which an instance is stopped.",
  },
  queueConcurrencyKey,
];

const egressKeys: readonly ManifestKey[] = [
  {
    pointer: "/egress",
    type: "object",
    bounds: "an object",
    default: "{}",
    description: "What the function may connect to.",
  },
  {
    pointer: "/egress/allow",
    type: "strings",
    lengthMax: 259,
    itemsMax: 256,
    bounds: "at most 256 of host, host:port, *.domain or *.domain:port",
    default: "the internet without loopback, private, link-local and metadata addresses",
    description: "The only destinations the function may reach.",
  },
];

const keysOfOtherVersions: readonly ManifestKey[] = [
  notBuilt("/volumes", "volumes; until then keep state in a service of yours", "Mounted folders."),
];

/** Every key a manifest may name, in the order of the reference page. */
export const manifestKeys: readonly ManifestKey[] = [
  ...identityKeys,
  ...environmentKeys,
  ...limitKeys,
  ...concurrencyKeys,
  ...queueKeys,
  ...egressKeys,
  ...routeKeys,
  ...hookKeys,
  ...keysOfOtherVersions,
];
