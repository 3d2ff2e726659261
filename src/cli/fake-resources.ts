import type { DeploymentResource, FunctionResource, LogLineResource } from "../client/resources.ts";

const time = "2026-11-21T01:02:03.456Z";

export function fakeFunction(change: Partial<FunctionResource> = {}): FunctionResource {
  return {
    id: "fn_1",
    project: "default",
    name: "hello",
    slug: "hello",
    runtime: "bun",
    isolation: "process",
    tier: { level: 1, name: "sandbox" },
    min_tier: null,
    enabled: true,
    created_at: time,
    updated_at: time,
    deleted_at: null,
    env_version: 1,
    production: { deployment_id: "dep_1", revision: 1 },
    shape: "fetch",
    route: null,
    events: [],
    hooks: [],
    ...change,
  };
}

export function fakeDeployment(change: Partial<DeploymentResource> = {}): DeploymentResource {
  return {
    id: "dep_1",
    function_id: "fn_1",
    revision: 1,
    status: "ready",
    tier: { level: 1, name: "sandbox" },
    manifest: fakeManifest,
    bundle_sha256: "0".repeat(64),
    shape: "fetch",
    schemas: null,
    created_at: time,
    ready_at: time,
    failure: null,
    ...change,
  };
}

export function fakeLogLine(change: Partial<LogLineResource> = {}): LogLineResource {
  return {
    seq: 1,
    at: time,
    level: "info",
    source: "log",
    function_id: "fn_1",
    deployment_id: "dep_1",
    invocation_id: "inv_1",
    request_id: "req_1",
    message: "hi",
    ...change,
  };
}

const fakeManifest: DeploymentResource["manifest"] = {
  name: "hello",
  runtime: "bun",
  isolation: "process",
  min_tier: null,
  entrypoint: "code/index.ts",
  handler: null,
  access: null,
  forward_authorization: false,
  env_keys: null,
  secret_keys: null,
  limits: {
    timeout_ms: 30_000,
    idle_timeout_ms: 30_000,
    stream_timeout_ms: 900_000,
    drain_timeout_ms: 60_000,
    wait_until_ms: 30_000,
    memory_mb: { value: 256, written: false, enforced: "hard" as const },
    vcpu: null,
    body_in_bytes_max: 5_000_000,
    body_out_bytes_max: 6_000_000,
  },
  concurrency: {
    min_instances: 0,
    max_instances: 8,
    per_instance: 10,
    max_concurrency: 50,
    queue_ms: 100,
    idle_ttl_ms: 300_000,
  },
  egress_allow: null,
  route: null,
  cors: null,
  rate_limit: null,
  events: [],
  hooks: [],
  hook_order: null,
  bundle_sha256: null,
};
