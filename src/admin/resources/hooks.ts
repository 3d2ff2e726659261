import { z } from "@hono/zod-openapi";
import type { BoundFunction } from "../../control/hooks/bound-functions.ts";
import type { HookRun } from "../../control/hooks/run-hooks.ts";
import { shownBody } from "../../control/queue/destination-body.ts";
import { ReactorError } from "../../domain/errors.ts";
import { type HookContext, type HookPoint, hookPoints } from "../../domain/hook.ts";
import { defineOperation } from "../operation.ts";
import { validate } from "../validate.ts";

const tag = "hooks";

const bindingSchema = z
  .object({
    point: z.enum(hookPoints),
    hook_order: z.int(),
    function_id: z.string(),
    function: z.string(),
    enabled: z.boolean().describe("A disabled function's result is a failure."),
  })
  .openapi("HookBinding");

const runSchema = z
  .object({
    invocation_id: z.string(),
    function_id: z.string(),
    function: z.string(),
    revision: z.int().nullable().describe("Null when it was refused before it ran."),
    state: z.enum(["succeeded", "failed"]).describe("Succeeded: a whole answer below status 400."),
    status: z.int().nullable(),
    duration_ms: z.number(),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
    body: z.unknown().describe("The value of a JSON answer, or text; null for none."),
    body_base64: z.string().optional().describe("In place of `body` when it is no text."),
    truncated: z.boolean().describe("The answer had more than the 64 KiB that are shown."),
  })
  .openapi("HookRun");

const word = z.string().min(1).max(200);

const credentialsSchema = z
  .strictObject({
    host: z.string().min(1).max(253),
    port: z.int().min(1).max(65_535),
    password: z.string().min(4).max(4096),
  })
  .describe("Masked in the logs of the functions.");

/** The documented context of each point. */
const beforePipeline = { projectId: word, tier: word, databaseType: word };
const contexts: Readonly<Record<HookPoint, z.ZodType<HookContext>>> = {
  "pre-provision": z.strictObject(beforePipeline),
  "post-provision": z.strictObject({ ...beforePipeline, credentials: credentialsSchema }),
  "pre-backup": z.strictObject({ projectId: word }),
  "post-backup": z.strictObject({ projectId: word, backupId: word }),
  "pre-deprovision": z.strictObject({ projectId: word }),
  "post-deprovision": z.strictObject({ projectId: word }),
};

const contextSchema = z
  .strictObject({
    projectId: word.describe("Always."),
    tier: word.optional().describe("pre-provision and post-provision."),
    databaseType: word.optional().describe("pre-provision and post-provision."),
    credentials: credentialsSchema.optional().describe("post-provision. Masked in logs."),
    backupId: word.optional().describe("post-backup."),
  })
  .openapi("HookContext");

function bindingView({ point, order, functionPlan }: BoundFunction) {
  const { functionId, name, enabled } = functionPlan;
  return { point, hook_order: order, function_id: functionId, function: name, enabled };
}

function runView(run: HookRun): z.output<typeof runSchema> {
  return {
    invocation_id: run.invocationId,
    function_id: run.functionId,
    function: run.functionName,
    revision: run.revision ?? null,
    state: run.succeeded ? "succeeded" : "failed",
    status: run.status ?? null,
    duration_ms: Math.round(run.durationMs * 100) / 100,
    error: run.error ?? null,
    truncated: run.truncated,
    body: null,
    ...shownBody(run.body),
  };
}

const listHooks = defineOperation({
  id: "listHooks",
  method: "get",
  path: "/hooks",
  tag,
  summary: "List the functions that are bound to provisioning hooks",
  description: "Needs the scope `hooks:read`.",
  query: { point: z.enum(hookPoints).optional().describe("Only of this point.") },
  output: z.object({ items: z.array(bindingSchema) }),
  outputDescription: "What the promoted manifests bind, in the order in which it runs.",
  async run({ services, caller, project, query }) {
    const input = { project, point: query.point };
    const bound = await services.control.execute("hooks.list", input, caller);
    return { items: bound.map(bindingView) };
  },
});

const runHooks = defineOperation({
  id: "runHooks",
  method: "post",
  path: "/hooks/{point}",
  tag,
  summary: "Run every function that is bound to a provisioning hook",
  description:
    "Needs the scope `hooks:write`, and no right on the functions. They run one after the other, each within its `timeout_ms`; whatever becomes of them the answer is 200 with every result. Which members the context must have depends on the point.",
  params: {
    point: z
      .string()
      .max(100)
      .describe(`One of ${hookPoints.join(", ")}.`),
  },
  body: contextSchema,
  output: z.object({ point: z.enum(hookPoints), results: z.array(runSchema) }),
  outputDescription: "Every result, in the order in which the functions ran.",
  async run({ services, caller, project, path, body, requestId }) {
    const point = hookPoints.find((known) => known === path.point);
    if (point === undefined) {
      throw new ReactorError(
        "not_found",
        `Cannot run the hook ${JSON.stringify(path.point)}: it is one of ${hookPoints.join(", ")}`,
      );
    }
    const context = validate(contexts[point], body, "body");
    const input = { project, point, context, requestId };
    const runs = await services.control.execute("hooks.run", input, caller);
    return { point, results: runs.map(runView) };
  },
});

export const hookOperations = [listHooks, runHooks];
