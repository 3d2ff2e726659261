import { z } from "@hono/zod-openapi";
import type { FunctionView } from "../../control/control-plane.ts";
import { eventTypes } from "../../domain/event.ts";
import { hookPoints } from "../../domain/hook.ts";
import { isolations, runtimes } from "../../domain/manifest.ts";
import { isoTime, isoTimeOrNull, timeSchema } from "../iso-time.ts";
import { type AnyCall, defineOperation } from "../operation.ts";
import { routeSchema, routeView } from "./deployment-view.ts";
import { pageRequest, pageSchema, pageShape, pageView } from "../page.ts";
import type { AdminServices } from "../services.ts";
import { minTierSchema, tierSchema, tierView } from "./tier-view.ts";

const functionSchema = z
  .object({
    id: z.string(),
    project: z.string(),
    name: z.string(),
    slug: z.string().describe("Label of the function's own host."),
    runtime: z.enum(runtimes),
    isolation: z.enum(isolations),
    tier: tierSchema,
    min_tier: minTierSchema.describe("Tier that the promoted deployment demands; null: none."),
    enabled: z.boolean(),
    created_at: timeSchema,
    updated_at: timeSchema,
    deleted_at: timeSchema.nullable(),
    env_version: z.int().describe("Rises with every change of env or secrets."),
    production: z
      .object({ deployment_id: z.string(), revision: z.int() })
      .nullable()
      .describe("Where `production` points; null before the first promote."),
    shape: z.string().nullable().describe("Handler shape of the promoted deployment."),
    route: routeSchema.nullable().describe("Where it answers at the server's root."),
    events: z.array(z.enum(eventTypes)).describe("Events that the promoted deployment hears."),
    hooks: z.array(z.enum(hookPoints)).describe("Hooks that the promoted deployment is bound to."),
  })
  .openapi("Function");

function functionView(
  services: AdminServices,
  record: FunctionView,
): z.output<typeof functionSchema> {
  return {
    id: record.id,
    project: record.project,
    name: record.name,
    slug: record.slug,
    runtime: record.runtime,
    isolation: record.isolation,
    tier: tierView(services, record),
    min_tier: record.minTier ?? null,
    enabled: record.enabled,
    created_at: isoTime(record.createdAtMs),
    updated_at: isoTime(record.updatedAtMs),
    deleted_at: isoTimeOrNull(record.deletedAtMs),
    env_version: record.envVersion,
    production: record.production
      ? { deployment_id: record.production.deploymentId, revision: record.production.revision }
      : null,
    shape: record.shape ?? null,
    route: routeView(record.route),
    events: [...record.events],
    hooks: [...record.hooks],
  };
}

/** Path parameters of everything below one function. */
export const functionShape = { id: z.string().describe("The function's name or id.") };

/** Which function a call means. */
export function functionRef(call: AnyCall & { path: { id: string } }): {
  project: string;
  function: string;
} {
  return { project: call.project, function: call.path.id };
}

const tag = "functions";

const createFunction = defineOperation({
  id: "createFunction",
  method: "post",
  path: "/functions",
  tag,
  summary: "Create a function",
  body: z.strictObject({
    name: z.string().describe("`^[a-z][a-z0-9_-]{0,62}$`, unique in the project."),
    runtime: z
      .enum([...runtimes, "javascript", "typescript"])
      .optional()
      .describe("`bun` when absent; `javascript` and `typescript` mean `bun`."),
    isolation: z.enum(isolations).optional(),
  }),
  status: 201,
  output: functionSchema,
  outputDescription: "The function.",
  async run({ services, caller, project, body: { name, runtime, isolation } }) {
    const known = runtime === "javascript" || runtime === "typescript" ? "bun" : runtime;
    const created = await services.control.execute(
      "functions.create",
      {
        project,
        name,
        ...(known === undefined ? {} : { runtime: known }),
        ...(isolation === undefined ? {} : { isolation }),
      },
      caller,
    );
    return functionView(services, created);
  },
});

const listFunctions = defineOperation({
  id: "listFunctions",
  method: "get",
  path: "/functions",
  tag,
  summary: "List functions in order of name",
  query: pageShape,
  output: pageSchema(functionSchema),
  outputDescription: "One page.",
  async run({ services, caller, project, query }) {
    const input = { project, ...pageRequest(query) };
    const page = await services.control.execute("functions.list", input, caller);
    return pageView(page, (record) => functionView(services, record));
  },
});

const getFunction = defineOperation({
  id: "getFunction",
  method: "get",
  path: "/functions/{id}",
  tag,
  summary: "Get a function",
  params: functionShape,
  output: functionSchema,
  outputDescription: "The function.",
  async run(call) {
    const { services, caller } = call;
    const found = await services.control.execute("functions.get", functionRef(call), caller);
    return functionView(services, found);
  },
});

const [patchFunction, putFunction] = (["patch", "put"] as const).map((method) =>
  defineOperation({
    id: method === "patch" ? "updateFunction" : "putFunction",
    method,
    path: "/functions/{id}",
    tag,
    summary: "Enable or disable a function",
    description:
      method === "put" ? "The same as PATCH, for clients that send PUT." : "Disabled answers 503.",
    params: functionShape,
    body: z.strictObject({ enabled: z.boolean() }),
    output: functionSchema,
    outputDescription: "The function.",
    async run(call) {
      const input = { ...functionRef(call), enabled: call.body.enabled };
      const { services, caller } = call;
      const updated = await services.control.execute("functions.update", input, caller);
      return functionView(services, updated);
    },
  }),
);

const deleteFunction = defineOperation({
  id: "deleteFunction",
  method: "delete",
  path: "/functions/{id}",
  tag,
  summary: "Delete a function",
  description: "Soft: gone from lists and traffic; its name stays reserved and it can be restored.",
  params: functionShape,
  output: z.object({ id: z.string(), name: z.string() }).openapi("DeletedFunction"),
  outputDescription: "What was deleted.",
  async run(call) {
    const { services, caller } = call;
    const { id, name } = await services.control.execute(
      "functions.delete",
      functionRef(call),
      caller,
    );
    return { id, name };
  },
});

const restoreFunction = defineOperation({
  id: "restoreFunction",
  method: "post",
  path: "/functions/{id}/restore",
  tag,
  summary: "Bring a deleted function back",
  params: functionShape,
  output: functionSchema,
  outputDescription: "The function.",
  async run(call) {
    const { services, caller } = call;
    const restored = await services.control.execute("functions.restore", functionRef(call), caller);
    return functionView(services, restored);
  },
});

export const functionOperations = [
  createFunction,
  listFunctions,
  getFunction,
  ...[patchFunction, putFunction].filter((operation) => operation !== undefined),
  deleteFunction,
  restoreFunction,
];
