import { z } from "@hono/zod-openapi";
import type { AliasRecord } from "../../domain/function.ts";
import { isoTime, timeSchema } from "../iso-time.ts";
import { defineOperation } from "../operation.ts";
import { functionRef, functionShape } from "./functions.ts";

const aliasSchema = z
  .object({
    name: z.string(),
    function_id: z.string(),
    targets: z.array(
      z.object({ revision: z.int(), deployment_id: z.string(), weight: z.number() }),
    ),
    updated_at: timeSchema,
  })
  .openapi("Alias");

function aliasView(record: AliasRecord): z.output<typeof aliasSchema> {
  return {
    name: record.name,
    function_id: record.functionId,
    targets: record.targets.map(({ revision, deploymentId, weight }) => ({
      revision,
      deployment_id: deploymentId,
      weight,
    })),
    updated_at: isoTime(record.updatedAtMs),
  };
}

const tag = "aliases";
const aliasShape = { ...functionShape, alias: z.string().describe("`^[a-z][a-z0-9]{0,15}$`.") };

const listAliases = defineOperation({
  id: "listAliases",
  method: "get",
  path: "/functions/{id}/aliases",
  tag,
  summary: "List a function's aliases",
  params: functionShape,
  output: z.object({ items: z.array(aliasSchema) }),
  outputDescription: "All of them.",
  async run(call) {
    const { services, caller } = call;
    const aliases = await services.control.execute("aliases.list", functionRef(call), caller);
    return { items: aliases.map(aliasView) };
  },
});

const setAlias = defineOperation({
  id: "setAlias",
  method: "put",
  path: "/functions/{id}/aliases/{alias}",
  tag,
  summary: "Point an alias at one or two weighted revisions",
  params: aliasShape,
  body: z.strictObject({
    targets: z
      .array(z.strictObject({ revision: z.int().min(1), weight: z.number().min(0).max(100) }))
      .min(1)
      .max(2),
  }),
  output: aliasSchema,
  outputDescription: "The alias.",
  async run(call) {
    const { services, caller, path, body } = call;
    const input = { ...functionRef(call), alias: path.alias, targets: body.targets };
    return aliasView(await services.control.execute("aliases.set", input, caller));
  },
});

const deleteAlias = defineOperation({
  id: "deleteAlias",
  method: "delete",
  path: "/functions/{id}/aliases/{alias}",
  tag,
  summary: "Remove an alias",
  params: aliasShape,
  output: z.object({ alias: z.string() }).openapi("DeletedAlias"),
  outputDescription: "What was removed.",
  async run(call) {
    const { services, caller, path } = call;
    const input = { ...functionRef(call), alias: path.alias };
    const { alias } = await services.control.execute("aliases.delete", input, caller);
    return { alias };
  },
});

export const aliasOperations = [listAliases, setAlias, deleteAlias];
