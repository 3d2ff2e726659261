import { z } from "@hono/zod-openapi";
import type { FunctionView } from "../../control/control-plane.ts";
import { describeExit } from "../../domain/instance.ts";
import { isoTime, timeSchema } from "../iso-time.ts";
import { defineOperation } from "../operation.ts";
import type { FunctionActivity } from "../options.ts";
import type { AdminServices } from "../services.ts";
import { functionRef, functionShape } from "./functions.ts";
import { minTierSchema, tierSchema, tierView } from "./tier-view.ts";

const denialReasons = [
  "not_allowed",
  "private_address",
  "own_address",
  "invalid_destination",
  "connections",
] as const;

const runtimeSchema = z
  .object({
    function_id: z.string(),
    state: z.enum(["idle", "active", "disabled"]).describe("`active`: it has instances."),
    tier: tierSchema,
    min_tier: minTierSchema.describe("Tier that the promoted deployment demands; null: none."),
    running: z.int().describe("Invocations on instances now."),
    waiting: z.int().describe("Invocations waiting for one now."),
    instances: z.array(
      z.object({
        id: z.string().nullable().describe("Null until it has started."),
        deployment_id: z.string(),
        revision: z.int(),
        state: z.enum(["starting", "ready", "draining"]),
        tier: minTierSchema.describe("Tier that it runs at; null until it has started."),
        running: z.int(),
        served: z.int(),
      }),
    ),
    last_failure: z
      .object({
        deployment_id: z.string(),
        reason: z.string(),
        message: z.string(),
        at: timeSchema,
      })
      .nullable()
      .describe("The last start that failed, or the last instance that died by itself."),
    egress: z.object({
      denied: z
        .int()
        .describe("Connections that a rule of egress denied since the server started."),
      recent: z
        .array(
          z.object({
            host: z.string(),
            port: z.int().nullable().describe("Null when the name was only looked up."),
            reason: z.enum(denialReasons),
            message: z.string(),
            count: z.int(),
            last_at: timeSchema,
          }),
        )
        .describe("The latest different ones, at most 32, the last first."),
    }),
  })
  .openapi("FunctionRuntime");

function runtimeView(
  services: AdminServices,
  view: FunctionView,
  { pools, denials }: FunctionActivity,
): z.output<typeof runtimeSchema> {
  const instances = pools.flatMap(({ deploymentId, revision, instances: all }) =>
    all.flatMap(({ state, ...instance }) =>
      state === "exited"
        ? []
        : [
            {
              id: instance.id ?? null,
              deployment_id: deploymentId,
              revision,
              state,
              tier: instance.tier ?? null,
              running: instance.running,
              served: instance.served,
            },
          ],
    ),
  );
  const failures = pools.flatMap(({ deploymentId, lastFailure }) =>
    lastFailure === undefined ? [] : [{ deploymentId, ...lastFailure }],
  );
  const last = failures.sort((a, b) => b.atMs - a.atMs)[0];
  return {
    function_id: view.id,
    state: view.enabled ? (instances.length > 0 ? "active" : "idle") : "disabled",
    tier: tierView(services, view),
    min_tier: view.minTier ?? null,
    running: pools.reduce((sum, pool) => sum + pool.running, 0),
    waiting: pools.reduce((sum, pool) => sum + pool.waiting, 0),
    instances,
    last_failure:
      last === undefined
        ? null
        : {
            deployment_id: last.deploymentId,
            reason: describeExit(last.exit),
            message: last.message,
            at: isoTime(last.atMs),
          },
    egress: {
      denied: denials?.total ?? 0,
      recent: (denials?.recent() ?? []).map(({ denial, count, atMs }) => ({
        host: denial.host,
        port: denial.port ?? null,
        reason: denial.reason,
        message: denial.message,
        count,
        last_at: isoTime(atMs),
      })),
    },
  };
}

const getFunctionRuntime = defineOperation({
  id: "getFunctionRuntime",
  method: "get",
  path: "/functions/{id}/runtime",
  tag: "functions",
  summary: "What a function's instances do now, and what egress denied them",
  params: functionShape,
  output: runtimeSchema,
  outputDescription: "As it is now.",
  async run(call) {
    const { services, caller } = call;
    const view = await services.control.execute("functions.get", functionRef(call), caller);
    return runtimeView(services, view, services.activity(view.id));
  },
});

export const runtimeOperations = [getFunctionRuntime];
