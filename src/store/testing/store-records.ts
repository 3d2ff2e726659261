import type {
  ApiKeyRecord,
  AuditRecord,
  DeploymentRecord,
  EnvRecord,
  FunctionRecord,
} from "../../domain/function.ts";
import type { QueuedInvocation } from "../../domain/queue/queued-invocation.ts";
import type { Manifest } from "../../domain/manifest.ts";
import { defaultManifestQueue } from "../../domain/manifest-queue.ts";

export const atMs = 1_700_000_000_123;

export function aManifest(name = "hello"): Manifest {
  return {
    name,
    runtime: "bun",
    isolation: "process",
    minTier: undefined,
    snapshot: false,
    entrypoint: "code/index.ts",
    handler: undefined,
    access: undefined,
    forwardAuthorization: false,
    envKeys: undefined,
    secretKeys: ["STRIPE_SECRET_KEY"],
    limits: {
      timeoutMs: 30_000,
      idleTimeoutMs: 30_000,
      streamTimeoutMs: 900_000,
      drainTimeoutMs: 60_000,
      waitUntilMs: 30_000,
      memoryMb: { value: 256, written: true },
      vcpu: undefined,
      bodyInBytesMax: 5 * 2 ** 20,
      bodyOutBytesMax: 6 * 2 ** 20,
    },
    concurrency: {
      minInstances: 0,
      maxInstances: 8,
      perInstance: 10,
      maxConcurrency: 50,
      queueMs: 100,
      idleTtlMs: 300_000,
    },
    queue: defaultManifestQueue,
    egressAllow: ["api.stripe.com:443"],
    route: undefined,
    cors: undefined,
    rateLimit: undefined,
    hooks: undefined,
    bundleSha256: undefined,
  };
}

export function aFunction(change: Partial<FunctionRecord> = {}): FunctionRecord {
  return {
    id: "fn_1",
    projectId: "default",
    name: "hello",
    slug: "hello",
    runtime: "bun",
    isolation: "process",
    enabled: true,
    createdAtMs: atMs,
    updatedAtMs: atMs,
    deletedAtMs: undefined,
    envVersion: 0,
    ...change,
  };
}

export function aDeployment(change: Partial<DeploymentRecord> = {}): DeploymentRecord {
  return {
    id: `dep_${change.revision ?? 1}`,
    functionId: "fn_1",
    revision: 1,
    status: "pending",
    manifest: aManifest(),
    bundleSha256: "a".repeat(64),
    sourceBlob: "b".repeat(64),
    artifactBlob: undefined,
    shape: undefined,
    schemas: undefined,
    createdAtMs: atMs,
    readyAtMs: undefined,
    failure: undefined,
    ...change,
  };
}

export function anEnv(change: Partial<EnvRecord> = {}): EnvRecord {
  return {
    projectId: "default",
    functionId: "fn_1",
    key: "REGION",
    secret: false,
    version: 1,
    value: "eu",
    updatedAtMs: atMs,
    ...change,
  };
}

export function anApiKey(change: Partial<ApiKeyRecord> = {}): ApiKeyRecord {
  return {
    id: "key_1",
    projectId: "*",
    name: "admin",
    digest: "c".repeat(64),
    prefix: "rk_abcd",
    scopes: ["functions:*:*", "keys:write"],
    createdAtMs: atMs,
    expiresAtMs: undefined,
    revokedAtMs: undefined,
    ...change,
  };
}

export function anAudit(change: Partial<AuditRecord> = {}): AuditRecord {
  return {
    id: "aud_1",
    atMs,
    actor: "key_1",
    command: "functions.create",
    subject: "hello",
    outcome: "ok",
    details: { runtime: "bun", nested: { list: [1, "two", null] } },
    ...change,
  };
}

/** `inv_<n>`, accepted as the n-th. */
export function aQueued(n: number, change: Partial<QueuedInvocation> = {}): QueuedInvocation {
  return {
    id: `inv_${n}`,
    requestId: `req-${n}`,
    projectId: "default",
    functionId: "fn_1",
    selector: "production",
    origin: "request",
    state: "queued",
    position: n,
    orderingKey: undefined,
    acceptedAtMs: atMs,
    dueAtMs: atMs,
    expiresAtMs: atMs + 60_000,
    finishedAtMs: undefined,
    attempt: 0,
    tries: 0,
    lease: undefined,
    storedBytes: 14,
    revision: undefined,
    status: undefined,
    errorCode: undefined,
    idempotency: undefined,
    fingerprint: undefined,
    depth: 0,
    ...change,
  };
}
