import { expect, test } from "bun:test";
import { ReactorError } from "./errors.ts";
import type { ManifestKey } from "./manifest-key.ts";
import { defaultManifestCaps, manifestKeys } from "./manifest-keys.ts";
import { findManifestFile, manifestBytesMax, readManifestJson } from "./manifest-file.ts";
import { type ManifestDefaults, parseManifest } from "./parse-manifest.ts";
import { defaultManifestQueue } from "./manifest-queue.ts";

const defaults: ManifestDefaults = {
  name: "hello",
  runtime: "bun",
  isolation: "process",
  caps: defaultManifestCaps,
};

function parse(json: unknown, change: Partial<ManifestDefaults> = {}) {
  return parseManifest(json, { ...defaults, ...change });
}

function refused(json: unknown, change: Partial<ManifestDefaults> = {}): ReactorError {
  try {
    parse(json, change);
  } catch (error) {
    if (error instanceof ReactorError) return error;
    throw error;
  }
  throw new Error(`expected a refusal of ${JSON.stringify(json)?.slice(0, 200)}`);
}

/** What some keys are nothing without. */
const companions: Readonly<Record<string, object>> = {
  method: { route: "/x" },
  cors: { origins: ["https://app.example.com"] },
  rate_limit: { requests: 1 },
  hook_order: { hooks: ["post-provision"] },
  snapshot: { isolation: "microvm" },
};

/** A manifest that holds one value at a pointer. */
function at(pointer: string, value: unknown): unknown {
  const [first = "", second] = pointer.slice(1).split("/");
  if (second !== undefined) return { [first]: { ...companions[first], [second]: value } };
  const isAlone = !["method", "hook_order", "snapshot"].includes(first);
  return { ...(isAlone ? {} : companions[first]), [first]: value };
}

/** A value that the key takes. */
function validValue(key: ManifestKey): unknown {
  const special: Readonly<Record<string, unknown>> = {
    "/name": "hello",
    "/runtime": "bun",
    "/isolation": "process",
    "/entrypoint": "code/index.ts",
    "/handler": "main",
    "/bundle_sha256": "a".repeat(64),
    "/env_keys": ["A"],
    "/secret_keys": ["B"],
    "/retry/max_backoff_ms": 1000,
    "/destinations/on_success": "archive",
    "/destinations/on_failure": "alert",
    "/egress/allow": ["api.stripe.com:443", "*.openai.com"],
    "/route": "/todos/:id",
    "/cors/origins": ["https://app.example.com", "http://localhost:5173"],
    "/cors/methods": ["GET", "DELETE"],
    "/cors/headers": ["x-tenant"],
    "/cors/expose_headers": ["etag"],
    "/hooks": ["post-provision"],
    "/events": ["invocation.dead"],
  };
  if (key.pointer in special) return special[key.pointer];
  switch (key.type) {
    case "object":
      return {};
    case "boolean":
      return true;
    case "schedules":
      return [{ cron: "0 8 * * *" }];
    case "choice":
      return key.choices[0];
    case "integer":
    case "number":
      return key.range({ runtime: "bun", isolation: "process", caps: defaultManifestCaps }).min;
    case "string":
    case "strings":
    case "not built":
      break;
  }
  throw new Error(`no valid value for ${key.pointer}`);
}

/** Values that the key must refuse. */
function wrongValues(key: ManifestKey): readonly unknown[] {
  const context = { runtime: "bun", isolation: "process", caps: defaultManifestCaps } as const;
  switch (key.type) {
    case "object":
      return [null, [], "x", 1, true];
    case "boolean":
      return [null, "true", 1, {}];
    case "choice":
      return [null, 1, "", "nonsense", {}, ["bun"]];
    case "string":
      return [null, 1, "", {}, [], "x".repeat(key.lengthMax + 1)];
    case "integer":
    case "number": {
      const { min, max } = key.range(context);
      const fraction = key.type === "integer" ? [min + 0.5] : [];
      return [null, "1", {}, [1], Number.NaN, Infinity, min - 1, max + 1, ...fraction];
    }
    case "strings":
      return [
        null,
        "A",
        {},
        [1],
        [""],
        ["A B"],
        ["A", "A"],
        ["x".repeat(key.lengthMax + 1)],
        Array.from({ length: key.itemsMax + 1 }, (_, index) => `K${index}`),
      ];
    case "schedules":
      return [null, {}, "* * * * *", ["* * * * *"], [{}], [{ cron: "61 * * * *" }]];
    case "not built":
      break;
  }
  return [null, "x", {}, [], 1, false];
}

test("an empty manifest has every default filled in and is frozen to the bottom", () => {
  const manifest = parse({});
  expect(manifest).toEqual({
    name: "hello",
    runtime: "bun",
    isolation: "process",
    minTier: undefined,
    snapshot: false,
    entrypoint: undefined,
    handler: undefined,
    access: undefined,
    forwardAuthorization: false,
    envKeys: undefined,
    secretKeys: undefined,
    limits: {
      timeoutMs: 30_000,
      idleTimeoutMs: 30_000,
      streamTimeoutMs: 900_000,
      drainTimeoutMs: 60_000,
      waitUntilMs: 30_000,
      memoryMb: { value: 256, written: false },
      vcpu: undefined,
      bodyInBytesMax: 5 * 1_048_576,
      bodyOutBytesMax: 6 * 1_048_576,
    },
    concurrency: {
      minInstances: 0,
      maxInstances: 8,
      perInstance: 10,
      maxConcurrency: 80,
      queueMs: 100,
      idleTtlMs: 300_000,
    },
    queue: defaultManifestQueue,
    egressAllow: undefined,
    route: undefined,
    cors: undefined,
    rateLimit: undefined,
    hooks: undefined,
    bundleSha256: undefined,
  });
  expect(Object.isFrozen(manifest)).toBe(true);
  expect(Object.isFrozen(manifest.limits.memoryMb)).toBe(true);
});

for (const key of manifestKeys.filter(({ type }) => type !== "not built")) {
  test(`${key.pointer} takes a valid value and refuses wrong ones by its pointer`, () => {
    expect(() => parse(at(key.pointer, validValue(key)))).not.toThrow();
    for (const value of wrongValues(key)) {
      const error = refused(at(key.pointer, value));
      expect(error.code).toBe("manifest_invalid");
      expect(String(error.details["pointer"])).toStartWith(key.pointer);
    }
  });
}

for (const key of manifestKeys.filter(({ type }) => type === "not built")) {
  test(`${key.pointer} is refused by name with what it needs`, () => {
    for (const value of wrongValues(key)) {
      const error = refused(at(key.pointer, value));
      expect(error.details).toEqual({ pointer: key.pointer });
      expect(error.message).toContain("this version of Reactor does not have it; it needs");
    }
  });
}

test("every value of the contract's example that is built is taken", () => {
  const manifest = parse({
    name: "hello",
    runtime: "typescript",
    isolation: "process",
    entrypoint: "./code/index.ts",
    route: "/hello",
    method: "POST",
    cors: { origins: ["https://app.example.com"] },
    access: "key",
    env_keys: ["STRIPE_PUBLIC_KEY"],
    secret_keys: ["STRIPE_SECRET_KEY"],
    limits: { timeout_ms: 30000, memory_mb: 256, max_body_in_mb: 5, max_body_out_mb: 0.5 },
    concurrency: { min_instances: 0, max_instances: 8, idle_ttl_secs: 300 },
    egress: { allow: ["api.stripe.com:443", "*.openai.com"] },
    bundle_sha256: "0".repeat(64),
  });
  expect(manifest.runtime).toBe("bun");
  expect(manifest.entrypoint).toBe("code/index.ts");
  expect(manifest.limits.memoryMb).toEqual({ value: 256, written: true });
  expect(manifest.limits.bodyOutBytesMax).toBe(524_288);
});

test("a misspelt or misplaced key names the nearest valid one", () => {
  const nearest = (json: unknown) =>
    /nearest valid key is "(.*?)"/.exec(refused(json).message)?.[1];
  expect(nearest({ entrypont: "x" })).toBe("entrypoint");
  expect(nearest({ limits: { timeoutMs: 1 } })).toBe("limits.timeout_ms");
  expect(nearest({ timeout_ms: 1 })).toBe("limits.timeout_ms");
  expect(nearest({ concurrency: { memory_mb: 1 } })).toBe("limits.memory_mb");
  expect(nearest({ zzzzzzzz: 1 })).toBeString();
});

test("hostile JSON is refused and pollutes nothing", () => {
  const texts = [
    '{"__proto__": {"polluted": true}}',
    '{"constructor": {"prototype": {"polluted": true}}}',
    '{"limits": {"__proto__": {"polluted": true}}}',
    '{"toString": 1}',
    '{"a/b~c": 1}',
    "[]",
    "null",
    '"x"',
    "3",
    `{"limits": ${"[".repeat(60)}${"]".repeat(60)}}`,
    `{"${"k".repeat(60_000)}": 1}`,
  ];
  for (const text of texts) {
    expect(refused(readManifestJson("reactor.json", Buffer.from(text))).code).toBe(
      "manifest_invalid",
    );
  }
  expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  expect(refused(JSON.parse('{"a/b~c": 1}')).details["pointer"]).toBe("/a~1b~0c");
});

test("manifest bytes that are too many, no UTF-8 or no JSON are refused", () => {
  const inputs = [
    Buffer.alloc(manifestBytesMax + 1, 32),
    Buffer.from([0x22, 0xff, 0x22]),
    Buffer.from("{"),
    Buffer.from("[".repeat(60_000)),
    Buffer.from(`{"limits": ${"[".repeat(20_000)}${"]".repeat(20_000)}}`),
  ];
  for (const bytes of inputs) {
    expect(() => readManifestJson("reactor.json", bytes)).toThrow(ReactorError);
  }
});

test("a key that is there twice is refused with its place", () => {
  for (const [text, pointer] of [
    ['{"access":"key","access":"public"}', "/access"],
    [String.raw`{"access":"key","\u0061ccess":"public"}`, "/access"],
    ['{"limits":{"timeout_ms":1,"timeout_ms":300000}}', "/limits/timeout_ms"],
  ] as const) {
    const reading = () => readManifestJson("reactor.json", Buffer.from(text));
    expect(reading).toThrow(
      expect.objectContaining({
        code: "manifest_invalid",
        details: { pointer, file: "reactor.json" },
      }),
    );
  }
});

test("two manifest files are refused, one or none are found", () => {
  expect(() => findManifestFile(["reactor.json", "a.ts", "flux.json"])).toThrow(
    "flux.json and reactor.json",
  );
  expect(findManifestFile(["a.ts", "manifest.json", "sub/reactor.json"])).toBe("manifest.json");
  expect(findManifestFile(["a.ts"])).toBeUndefined();
});

test("the name must be the function's", () => {
  expect(refused({ name: "other" }).message).toContain('the function is named "hello"');
});

test("server caps win over the manifest and are named", () => {
  const caps = { ...defaultManifestCaps, timeoutMsMax: 10_000, instancesMax: 2 };
  expect(parse({}, { caps }).limits.timeoutMs).toBe(10_000);
  expect(parse({}, { caps }).concurrency.maxInstances).toBe(2);
  expect(parse({ limits: { timeout_ms: 10_000 } }, { caps }).limits.timeoutMs).toBe(10_000);
  expect(refused({ limits: { timeout_ms: 10_001 } }, { caps }).message).toContain(
    "invoke_max_timeout_ms",
  );
  expect(refused({ concurrency: { max_instances: 3 } }, { caps }).message).toContain(
    "bun_max_instances_per_fn",
  );
  expect(refused({ concurrency: { min_instances: 3 } }, { caps }).code).toBe("manifest_invalid");
});

test("lambda may run 900 s, unless the operator lowered the cap below every runtime's", () => {
  const lambda = { runtime: "lambda", limits: { timeout_ms: 900_000 } };
  expect(parse(lambda).limits.timeoutMs).toBe(900_000);
  const caps = { ...defaultManifestCaps, timeoutMsMax: 60_000 };
  expect(refused(lambda, { caps }).message).toContain("invoke_max_timeout_ms");
  expect(refused({ limits: { timeout_ms: 300_001 } }).code).toBe("manifest_invalid");
});

test("memory bounds follow runtime and isolation, and a worker has none", () => {
  const memory = (runtime: string, isolation: string | undefined, mb: number) =>
    parse({ runtime, ...(isolation && { isolation }), limits: { memory_mb: mb } }).limits.memoryMb
      .value;
  for (const [runtime, isolation, min, max] of [
    ["bun", "process", 64, 2048],
    ["python", "process", 64, 2048],
    ["wasm", undefined, 32, 1024],
    ["bun", "microvm", 128, 3072],
    ["lambda", undefined, 128, 10_240],
  ] as const) {
    expect(memory(runtime, isolation, min)).toBe(min);
    expect(memory(runtime, isolation, max)).toBe(max);
    expect(() => memory(runtime, isolation, min - 1)).toThrow("memory_mb");
    expect(() => memory(runtime, isolation, max + 1)).toThrow("memory_mb");
  }
  expect(() => memory("deno", "worker", 256)).toThrow("no memory limit of its own");
});

test("vcpu takes parts of a processor, whole ones of a microVM, and is refused where none can be given", () => {
  const vcpu = (json: object, value: number) =>
    parse({ ...json, limits: { vcpu: value } }).limits.vcpu;
  expect(parse({}).limits.vcpu).toBeUndefined();
  expect(vcpu({}, 0.25)).toBe(0.25);
  expect(vcpu({ runtime: "python" }, 32)).toBe(32);
  expect(vcpu({ isolation: "microvm" }, 1)).toBe(1);
  for (const part of [0.5, 1.5]) {
    const error = refused({ isolation: "microvm", limits: { vcpu: part } });
    expect(error.code).toBe("manifest_invalid");
    expect(error.details["pointer"]).toBe("/limits/vcpu");
    expect(error.message).toContain(
      'whole processors, 1 to 32; for a part of one use isolation "process"',
    );
  }
  expect(() => vcpu({ isolation: "microvm" }, 0)).toThrow("vcpu");
  expect(() => vcpu({}, 0.05)).toThrow("vcpu");
  expect(() => vcpu({}, 33)).toThrow("vcpu");
  expect(() => vcpu({ runtime: "deno", isolation: "worker" }, 1)).toThrow(
    "no processor of its own",
  );
  expect(() => vcpu({ runtime: "lambda" }, 1)).toThrow("by memory");
});

test("a runtime at an isolation that does not exist is unsupported_runtime with what does", () => {
  const error = refused({ isolation: "worker" });
  expect(error.code).toBe("unsupported_runtime");
  expect(error.message).toContain("process or microvm");
  expect(refused({ runtime: "wasm", isolation: "process" }).code).toBe("unsupported_runtime");
});

test("requests per instance default by runtime; wasm takes one", () => {
  const perInstance = (runtime: string, isolation?: string) =>
    parse({ runtime, ...(isolation && { isolation }) }).concurrency.perInstance;
  expect(["bun", "python", "wasm", "lambda"].map((runtime) => perInstance(runtime))).toEqual([
    10, 8, 1, 1,
  ]);
  expect(perInstance("node", "microvm")).toBe(1);
  expect(refused({ runtime: "wasm", concurrency: { per_instance: 2 } }).code).toBe(
    "manifest_invalid",
  );
});

test("min_instances over max_instances, a key in both lists, and jwt without an issuer are refused", () => {
  const counts = refused({ concurrency: { min_instances: 3, max_instances: 2 } });
  expect(counts.details["pointer"]).toBe("/concurrency/min_instances");
  const both = refused({ env_keys: ["A"], secret_keys: ["A"] });
  expect(both.details["pointer"]).toBe("/secret_keys");
  expect(refused({ access: "jwt" }).message).toContain("believes no issuer's tokens");
  const caps = { ...defaultManifestCaps, believesTokens: true };
  expect(parse({ access: "jwt" }, { caps }).access).toBe("jwt");
});

test("entry points that leave the bundle are refused", () => {
  for (const entrypoint of ["../x.ts", "/x.ts", "a\\b.ts", "C:/x.ts", ".", "a/../../x.ts"]) {
    expect(refused({ entrypoint }).details["pointer"]).toBe("/entrypoint");
  }
});
