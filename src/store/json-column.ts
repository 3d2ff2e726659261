import { z } from "zod";
import { ReactorError } from "../domain/errors.ts";
import { type Manifest, isolations, runtimes } from "../domain/manifest.ts";
import { tiers } from "../domain/tiers.ts";
import { defaultManifestQueue } from "../domain/manifest-queue.ts";
import { eventTypes } from "../domain/event.ts";
import { hookPoints } from "../domain/hook.ts";
import { catchUps } from "../domain/schedule.ts";
import type { AliasTarget, DeploymentRecord } from "../domain/function.ts";
import type { FunctionSchemas } from "../domain/function-schemas.ts";
import { routeMethods } from "../domain/route.ts";
import { type PolicyRule, pathMatches, weekdays } from "../domain/policy/policy-rule.ts";

/** A value kept as JSON text in one column, checked when it is read back. */
export interface JsonColumn<T> {
  encode(value: T): string;
  /** Frozen; throws `storage_unavailable` naming `where` when the text is not such a value. */
  decode(text: string, where: string): T;
}

function jsonColumn<T>(schema: z.ZodType<T>): JsonColumn<T> {
  return {
    // JSON has no undefined: absent members are written as null, and null reads as undefined.
    encode: (value) => JSON.stringify(value, (_, member) => (member === undefined ? null : member)),
    decode(text, where) {
      const result = schema.safeParse(parseJson(text));
      if (result.success) return deepFreeze(result.data);
      throw new ReactorError(
        "storage_unavailable",
        `Cannot read ${where}: ${faultOf(result.error)}`,
        {
          cause: result.error,
        },
      );
    },
  };
}

/** A member that is not known here is a newer Reactor's, which nothing damaged. */
function faultOf({ issues }: z.ZodError): string {
  const unknown = issues.flatMap((issue) =>
    issue.code === "unrecognized_keys" ? issue.keys : [undefined],
  );
  return unknown.includes(undefined)
    ? "the stored JSON is damaged; restore a backup"
    : `it has ${unknown.map((key) => `"${key}"`).join(", ")}, which this Reactor does not know; start the newer Reactor that wrote it, or restore a backup made before`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined; // no schema here accepts undefined
    throw error;
  }
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}

function nullAsUndefined<T extends z.ZodType>(schema: T) {
  return schema.nullable().transform((value) => value ?? undefined);
}

/** For members that manifests stored by an earlier version lack. */
function absentAsUndefined<T extends z.ZodType>(schema: T) {
  return schema.nullish().transform((value) => value ?? undefined);
}

const limit = z.strictObject({ value: z.number(), written: z.boolean() });

const manifestSchema: z.ZodType<Manifest> = z.strictObject({
  name: z.string(),
  runtime: z.enum(runtimes),
  isolation: z.enum(isolations),
  // Absent from deployments that were stored before manifests had it.
  minTier: nullAsUndefined(z.literal(tiers).nullable().default(null)),
  // Deployments of formats before 7 have none.
  snapshot: z.boolean().default(false),
  entrypoint: nullAsUndefined(z.string()),
  handler: nullAsUndefined(z.string()),
  access: nullAsUndefined(z.enum(["key", "jwt", "public"])),
  forwardAuthorization: z.boolean(),
  envKeys: nullAsUndefined(z.array(z.string())),
  secretKeys: nullAsUndefined(z.array(z.string())),
  limits: z.strictObject({
    timeoutMs: z.number(),
    idleTimeoutMs: z.number(),
    streamTimeoutMs: z.number(),
    drainTimeoutMs: z.number(),
    waitUntilMs: z.number(),
    memoryMb: limit,
    // Rows of before there was a quota have none.
    vcpu: z
      .number()
      .nullish()
      .transform((value) => value ?? undefined),
    bodyInBytesMax: z.number(),
    bodyOutBytesMax: z.number(),
  }),
  concurrency: z.strictObject({
    minInstances: z.number(),
    maxInstances: z.number(),
    perInstance: z.number(),
    maxConcurrency: z.number(),
    queueMs: z.number(),
    idleTtlMs: z.number(),
  }),
  // Deployments of formats before 4 have no queue.
  queue: z
    .strictObject({
      always: z.boolean(),
      attemptsMax: z.number(),
      backoffMsMin: z.number(),
      backoffMsMax: z.number(),
      ageMsMax: z.number(),
      concurrency: nullAsUndefined(z.number()),
      onSuccess: nullAsUndefined(z.string()),
      onFailure: nullAsUndefined(z.string()),
      schedules: z.array(
        z.strictObject({
          cron: z.string(),
          timezone: z.string(),
          payload: z.string(),
          catchUp: z.enum(catchUps),
        }),
      ),
      // Absent from manifests that were stored before there were events.
      events: z.array(z.enum(eventTypes)).default(() => []),
    })
    .default(() => ({ ...defaultManifestQueue, schedules: [], events: [] })),
  egressAllow: nullAsUndefined(z.array(z.string())),
  route: absentAsUndefined(z.strictObject({ path: z.string(), method: z.enum(routeMethods) })),
  cors: absentAsUndefined(
    z.strictObject({
      origins: z.array(z.string()),
      methods: nullAsUndefined(z.array(z.string())),
      headers: z.array(z.string()),
      exposeHeaders: z.array(z.string()),
      credentials: z.boolean(),
      maxAgeSecs: z.number(),
    }),
  ),
  rateLimit: absentAsUndefined(
    z.strictObject({
      requests: z.number(),
      periodMs: z.number(),
      by: z.enum(["caller", "address"]),
    }),
  ),
  hooks: absentAsUndefined(
    z.strictObject({ points: z.array(z.enum(hookPoints)), order: z.number() }),
  ),
  bundleSha256: nullAsUndefined(z.string()),
});

const targetSchema: z.ZodType<AliasTarget> = z.strictObject({
  revision: z.number(),
  deploymentId: z.string(),
  weight: z.number(),
});

const failureSchema: z.ZodType<NonNullable<DeploymentRecord["failure"]>> = z.strictObject({
  code: z.string(),
  message: z.string(),
  log: z.string(),
});

const jsonSchema = z.union([z.boolean(), z.record(z.string(), z.unknown())]);

const policyRuleSchema: z.ZodType<PolicyRule> = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("method"), methods: z.array(z.string()) }),
  z.strictObject({
    kind: z.literal("path"),
    match: z.enum(pathMatches),
    paths: z.array(z.string()),
  }),
  z.strictObject({
    kind: z.literal("time_window"),
    days: nullAsUndefined(z.array(z.enum(weekdays))),
    hours: nullAsUndefined(z.array(z.string())),
    timezone: z.string(),
  }),
  z.strictObject({ kind: z.literal("cel"), expression: z.string() }),
]);

export const manifestColumn = jsonColumn(manifestSchema);
export const aliasTargetsColumn: JsonColumn<readonly AliasTarget[]> = jsonColumn(
  z.array(targetSchema),
);
export const failureColumn = jsonColumn(failureSchema);
export const schemasColumn: JsonColumn<FunctionSchemas> = jsonColumn(
  z.strictObject({
    input: nullAsUndefined(jsonSchema),
    output: nullAsUndefined(jsonSchema),
  }),
);
export const policyRuleColumn = jsonColumn(policyRuleSchema);
export const scopesColumn: JsonColumn<readonly string[]> = jsonColumn(z.array(z.string()));
export const auditDetailsColumn: JsonColumn<Readonly<Record<string, unknown>>> = jsonColumn(
  z.record(z.string(), z.unknown()),
);
