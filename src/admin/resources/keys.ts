import { z } from "@hono/zod-openapi";
import type { ApiKeyRecord } from "../../domain/function.ts";
import { isoTime, isoTimeOrNull, timeInputSchema, timeSchema } from "../iso-time.ts";
import { defineOperation } from "../operation.ts";

const keyFields = {
  id: z.string(),
  project_id: z.string().describe("Project the key belongs to, or `*`."),
  name: z.string(),
  prefix: z.string().describe("The key's first characters, to recognise it by."),
  scopes: z.array(z.string()),
  created_at: timeSchema,
  expires_at: timeSchema.nullable(),
  revoked_at: timeSchema.nullable(),
};

const keySchema = z.object(keyFields).openapi("ApiKey");

const createdKeySchema = z
  .object({
    ...keyFields,
    key: z.string().describe("The credential itself: shown this once and stored only hashed."),
  })
  .openapi("CreatedApiKey");

function keyView(record: ApiKeyRecord): z.output<typeof keySchema> {
  return {
    id: record.id,
    project_id: record.projectId,
    name: record.name,
    prefix: record.prefix,
    scopes: [...record.scopes],
    created_at: isoTime(record.createdAtMs),
    expires_at: isoTimeOrNull(record.expiresAtMs),
    revoked_at: isoTimeOrNull(record.revokedAtMs),
  };
}

const tag = "keys";

const createKey = defineOperation({
  id: "createKey",
  method: "post",
  path: "/keys",
  tag,
  summary: "Make an API key",
  description: "`?project=*` makes one for every project.",
  anyProject: true,
  body: z.strictObject({
    name: z.string().min(1).max(100),
    scopes: z
      .array(z.string().min(1).max(200))
      .min(1)
      .max(100)
      .describe("E.g. `functions:hello:invoke` or `functions:*:*`."),
    expires_at: timeInputSchema.optional(),
  }),
  status: 201,
  output: createdKeySchema,
  outputDescription: "The key.",
  async run({ services, caller, project, body }) {
    const { name, scopes, expires_at: expiresAt } = body;
    const { record, key } = await services.control.execute(
      "keys.create",
      {
        project,
        name,
        scopes,
        expiresAtMs: expiresAt === undefined ? undefined : Date.parse(expiresAt),
      },
      caller,
    );
    return { ...keyView(record), key };
  },
});

const listKeys = defineOperation({
  id: "listKeys",
  method: "get",
  path: "/keys",
  tag,
  summary: "List API keys, without the keys themselves",
  anyProject: true,
  output: z.object({ items: z.array(keySchema) }),
  outputDescription: "All of them.",
  async run({ services, caller, project }) {
    const records = await services.control.execute("keys.list", { project }, caller);
    return { items: records.map(keyView) };
  },
});

const revokeKey = defineOperation({
  id: "revokeKey",
  method: "delete",
  path: "/keys/{id}",
  tag,
  summary: "Revoke an API key",
  params: { id: z.string().describe("The key's id, not the key.") },
  anyProject: true,
  output: z.object({ id: z.string() }).openapi("RevokedKey"),
  outputDescription: "What was revoked.",
  async run({ services, caller, project, path }) {
    const input = { project, id: path.id };
    const { id } = await services.control.execute("keys.revoke", input, caller);
    return { id };
  },
});

export const keyOperations = [createKey, listKeys, revokeKey];
