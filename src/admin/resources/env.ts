import { z } from "@hono/zod-openapi";
import type { EnvView } from "../../control/control-plane.ts";
import { isoTime, timeSchema } from "../iso-time.ts";
import { defineOperation } from "../operation.ts";
import { functionRef, functionShape } from "./functions.ts";

const envSchema = z
  .object({
    key: z.string(),
    secret: z.boolean(),
    version: z.int().describe("Rises by one with each set."),
    value: z.string().nullable().describe("Always null for a secret."),
    updated_at: timeSchema,
  })
  .openapi("EnvVariable");

function envView(record: EnvView): z.output<typeof envSchema> {
  return {
    key: record.key,
    secret: record.secret,
    version: record.version,
    // Control never gives one; should that ever break, the value still must not leave here.
    value: record.secret ? null : (record.value ?? null),
    updated_at: isoTime(record.updatedAtMs),
  };
}

const tag = "env";
const keyOnly = { key: z.string().describe("`^[A-Z][A-Z0-9_]{0,127}$`.") };
const keyShape = { ...functionShape, ...keyOnly };
const valueBody = z.strictObject({
  value: z.string(),
  secret: z.boolean().optional().describe("false when absent."),
});
const unsetSchema = z.object({ key: z.string() }).openapi("UnsetEnv");

const listEnv = defineOperation({
  id: "listEnv",
  method: "get",
  path: "/functions/{id}/env",
  tag,
  summary: "List env variables and secrets; secrets without their values",
  params: functionShape,
  output: z.object({ items: z.array(envSchema) }),
  outputDescription: "All of them.",
  async run(call) {
    const { services, caller } = call;
    const items = await services.control.execute("env.list", functionRef(call), caller);
    return { items: items.map(envView) };
  },
});

const setEnv = defineOperation({
  id: "setEnv",
  method: "put",
  path: "/functions/{id}/env/{key}",
  tag,
  summary: "Set an env variable or a secret",
  description: "New invocations see it without a redeploy.",
  params: keyShape,
  body: valueBody,
  output: envSchema,
  outputDescription: "The variable; a secret without its value.",
  async run(call) {
    const { services, caller, path, body } = call;
    const { value, secret = false } = body;
    const input = { ...functionRef(call), key: path.key, value, secret };
    return envView(await services.control.execute("env.set", input, caller));
  },
});

const unsetEnv = defineOperation({
  id: "unsetEnv",
  method: "delete",
  path: "/functions/{id}/env/{key}",
  tag,
  summary: "Remove an env variable or a secret",
  params: keyShape,
  output: unsetSchema,
  outputDescription: "What was removed.",
  async run(call) {
    const { services, caller, path } = call;
    const input = { ...functionRef(call), key: path.key };
    const { key } = await services.control.execute("env.unset", input, caller);
    return { key };
  },
});

const listProjectEnv = defineOperation({
  id: "listProjectEnv",
  method: "get",
  path: "/env",
  tag,
  summary: "List a project's env variables and secrets; secrets without their values",
  output: z.object({ items: z.array(envSchema) }),
  outputDescription: "All of them.",
  async run({ services, caller, project }) {
    const input = { project, function: undefined };
    const items = await services.control.execute("env.list", input, caller);
    return { items: items.map(envView) };
  },
});

const setProjectEnv = defineOperation({
  id: "setProjectEnv",
  method: "put",
  path: "/env/{key}",
  tag,
  summary: "Set an env variable or a secret of the whole project",
  description: "Every function of the project sees it; one of its own by the same name goes first.",
  params: keyOnly,
  body: valueBody,
  output: envSchema,
  outputDescription: "The variable; a secret without its value.",
  async run({ services, caller, project, path, body: { value, secret = false } }) {
    const input = { project, function: undefined, key: path.key, value, secret };
    return envView(await services.control.execute("env.set", input, caller));
  },
});

const unsetProjectEnv = defineOperation({
  id: "unsetProjectEnv",
  method: "delete",
  path: "/env/{key}",
  tag,
  summary: "Remove an env variable or a secret of the whole project",
  params: keyOnly,
  output: unsetSchema,
  outputDescription: "What was removed.",
  async run({ services, caller, project, path }) {
    const input = { project, function: undefined, key: path.key };
    const { key } = await services.control.execute("env.unset", input, caller);
    return { key };
  },
});

export const envOperations = [
  listEnv,
  setEnv,
  unsetEnv,
  listProjectEnv,
  setProjectEnv,
  unsetProjectEnv,
];
