import { z } from "@hono/zod-openapi";
import { type DeploymentRecord, deploymentStatuses } from "../../domain/function.ts";
import { eventTypes } from "../../domain/event.ts";
import { hookPoints } from "../../domain/hook.ts";
import { isolations, type Manifest, runtimes } from "../../domain/manifest.ts";
import { enforcementSchema } from "../enforcement-schema.ts";
import { routeMethods } from "../../domain/route.ts";
import { isoTime, isoTimeOrNull, timeSchema } from "../iso-time.ts";
import type { AdminServices } from "../services.ts";
import { minTierSchema, tierSchema, tierView } from "./tier-view.ts";

export const routeSchema = z
  .object({ method: z.enum(routeMethods), path: z.string() })
  .openapi("Route");

const manifestSchema = z
  .object({
    name: z.string(),
    runtime: z.enum(runtimes),
    isolation: z.enum(isolations),
    min_tier: minTierSchema.describe("Lowest tier that it may run at; null: none is demanded."),
    entrypoint: z.string().nullable(),
    handler: z.string().nullable(),
    access: z
      .enum(["key", "jwt", "public"])
      .nullable()
      .describe("null: the running mode decides per request."),
    forward_authorization: z.boolean(),
    env_keys: z.array(z.string()).nullable().describe("null: every key of function and project."),
    secret_keys: z.array(z.string()).nullable(),
    limits: z.object({
      timeout_ms: z.number(),
      idle_timeout_ms: z.number(),
      stream_timeout_ms: z.number(),
      drain_timeout_ms: z.number(),
      wait_until_ms: z.number(),
      memory_mb: z
        .object({ value: z.number(), written: z.boolean(), enforced: enforcementSchema })
        .describe(
          "`written`: the author's own, so it is enforced; else a default. `enforced`: how this machine holds it.",
        ),
      vcpu: z
        .object({ value: z.number(), enforced: enforcementSchema })
        .nullable()
        .describe("null: no quota."),
      body_in_bytes_max: z.number(),
      body_out_bytes_max: z.number(),
    }),
    concurrency: z.object({
      min_instances: z.number(),
      max_instances: z.number(),
      per_instance: z.number(),
      max_concurrency: z.number(),
      queue_ms: z.number(),
      idle_ttl_ms: z.number(),
    }),
    egress_allow: z
      .array(z.string())
      .nullable()
      .describe("null: the internet without private addresses."),
    route: routeSchema.nullable().describe("null: nothing at the server's root leads to it."),
    cors: z
      .object({
        origins: z.array(z.string()),
        methods: z.array(z.string()).nullable().describe("null: the route's, or all."),
        headers: z.array(z.string()),
        expose_headers: z.array(z.string()),
        credentials: z.boolean(),
        max_age_secs: z.number(),
      })
      .nullable()
      .describe("null: the function answers preflights itself."),
    rate_limit: z
      .object({
        requests: z.number(),
        period_secs: z.number(),
        by: z.enum(["caller", "address"]),
      })
      .nullable(),
    events: z.array(z.enum(eventTypes)),
    hooks: z.array(z.enum(hookPoints)),
    hook_order: z.int().nullable().describe("null: it is bound to no hook."),
    bundle_sha256: z.string().nullable(),
  })
  .openapi("Manifest");

const reportedSchema = z
  .union([z.boolean(), z.record(z.string(), z.unknown())])
  .nullable()
  .describe("A JSON Schema; null: not known.");

export const deploymentSchema = z
  .object({
    id: z.string(),
    function_id: z.string(),
    revision: z.int(),
    status: z.enum(deploymentStatuses),
    tier: tierSchema,
    manifest: manifestSchema.describe("As it is in force: every default filled in."),
    bundle_sha256: z.string(),
    shape: z.string().nullable().describe("Handler shape found when it was materialized."),
    schemas: z
      .object({ input: reportedSchema, output: reportedSchema })
      .nullable()
      .describe("What `defineFunction` was given, as the code reported it; null: nothing known."),
    created_at: timeSchema,
    ready_at: timeSchema.nullable(),
    failure: z
      .object({ code: z.string(), message: z.string(), log: z.string() })
      .nullable()
      .describe("Why it failed, with the build or start-up log."),
  })
  .openapi("Deployment");

export function deploymentView(
  services: AdminServices,
  record: DeploymentRecord,
): z.output<typeof deploymentSchema> {
  return {
    id: record.id,
    function_id: record.functionId,
    revision: record.revision,
    status: record.status,
    tier: tierView(services, record.manifest),
    manifest: manifestView(services, record.manifest),
    bundle_sha256: record.bundleSha256,
    shape: record.shape ?? null,
    schemas: record.schemas
      ? { input: record.schemas.input ?? null, output: record.schemas.output ?? null }
      : null,
    created_at: isoTime(record.createdAtMs),
    ready_at: isoTimeOrNull(record.readyAtMs),
    failure: record.failure
      ? { code: record.failure.code, message: record.failure.message, log: record.failure.log }
      : null,
  };
}

function manifestView(
  services: AdminServices,
  manifest: Manifest,
): z.output<typeof manifestSchema> {
  const { limits, concurrency, rateLimit = null } = manifest;
  const { memory, cpu } = services.enforces(manifest.runtime, manifest.isolation);
  return {
    name: manifest.name,
    runtime: manifest.runtime,
    isolation: manifest.isolation,
    min_tier: manifest.minTier ?? null,
    entrypoint: manifest.entrypoint ?? null,
    handler: manifest.handler ?? null,
    access: manifest.access ?? null,
    forward_authorization: manifest.forwardAuthorization,
    env_keys: listOrNull(manifest.envKeys),
    secret_keys: listOrNull(manifest.secretKeys),
    limits: {
      timeout_ms: limits.timeoutMs,
      idle_timeout_ms: limits.idleTimeoutMs,
      stream_timeout_ms: limits.streamTimeoutMs,
      drain_timeout_ms: limits.drainTimeoutMs,
      wait_until_ms: limits.waitUntilMs,
      memory_mb: {
        value: limits.memoryMb.value,
        written: limits.memoryMb.written,
        enforced: memory,
      },
      vcpu: limits.vcpu === undefined ? null : { value: limits.vcpu, enforced: cpu },
      body_in_bytes_max: limits.bodyInBytesMax,
      body_out_bytes_max: limits.bodyOutBytesMax,
    },
    concurrency: {
      min_instances: concurrency.minInstances,
      max_instances: concurrency.maxInstances,
      per_instance: concurrency.perInstance,
      max_concurrency: concurrency.maxConcurrency,
      queue_ms: concurrency.queueMs,
      idle_ttl_ms: concurrency.idleTtlMs,
    },
    egress_allow: listOrNull(manifest.egressAllow),
    route: routeView(manifest.route),
    cors: corsView(manifest.cors),
    rate_limit: rateLimit && {
      requests: rateLimit.requests,
      period_secs: rateLimit.periodMs / 1000,
      by: rateLimit.by,
    },
    events: [...manifest.queue.events],
    hooks: [...(manifest.hooks?.points ?? [])],
    hook_order: manifest.hooks?.order ?? null,
    bundle_sha256: manifest.bundleSha256 ?? null,
  };
}

export function routeView(route: Manifest["route"]): z.output<typeof routeSchema> | null {
  return route === undefined ? null : { method: route.method, path: route.path };
}

function corsView(cors: Manifest["cors"]): z.output<typeof manifestSchema>["cors"] {
  if (cors === undefined) return null;
  return {
    origins: [...cors.origins],
    methods: listOrNull(cors.methods),
    headers: [...cors.headers],
    expose_headers: [...cors.exposeHeaders],
    credentials: cors.credentials,
    max_age_secs: cors.maxAgeSecs,
  };
}

function listOrNull(list: readonly string[] | undefined): string[] | null {
  return list === undefined ? null : [...list];
}
