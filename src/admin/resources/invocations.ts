import { z } from "@hono/zod-openapi";
import type { InvocationRecord } from "../../domain/invocation.ts";
import { isoTime, timeSchema } from "../iso-time.ts";
import { defineOperation } from "../operation.ts";

const invocationSchema = z
  .object({
    id: z.string(),
    request_id: z.string(),
    function_id: z.string(),
    deployment_id: z.string(),
    revision: z.int(),
    method: z.string(),
    started_at: timeSchema,
    duration_ms: z.number(),
    status: z.int(),
    error_code: z.string().nullable(),
    cold: z.boolean(),
    bytes_in: z.int(),
    bytes_out: z.int(),
  })
  .openapi("Invocation");

function invocationView(record: InvocationRecord): z.output<typeof invocationSchema> {
  return {
    id: record.id,
    request_id: record.requestId,
    function_id: record.functionId,
    deployment_id: record.deploymentId,
    revision: record.revision,
    method: record.method,
    started_at: isoTime(record.startedAtMs),
    duration_ms: record.durationMs,
    status: record.status,
    error_code: record.errorCode ?? null,
    cold: record.cold,
    bytes_in: record.bytesIn,
    bytes_out: record.bytesOut,
  };
}

const tag = "invocations";

const listInvocations = defineOperation({
  id: "listInvocations",
  method: "get",
  path: "/invocations",
  tag,
  summary: "List the newest invocations, newest first",
  query: {
    function: z.string().max(100).optional().describe("Only of this function, by name or id."),
    request_id: z.string().max(200).optional(),
    limit: z.coerce.number().int().min(1).max(1000).optional().describe("100 when absent."),
  },
  output: z.object({ items: z.array(invocationSchema) }),
  outputDescription: "The invocations.",
  async run({ services, caller, project, query }) {
    const records = await services.control.execute(
      "invocations.list",
      {
        project,
        function: query.function,
        requestId: query.request_id,
        limit: query.limit ?? 100,
      },
      caller,
    );
    return { items: records.map(invocationView) };
  },
});

const getInvocation = defineOperation({
  id: "getInvocation",
  method: "get",
  path: "/invocations/{id}",
  tag,
  summary: "Get an invocation",
  params: { id: z.string().describe("`inv_…`.") },
  output: invocationSchema,
  outputDescription: "The invocation.",
  async run({ services, caller, project, path }) {
    const input = { project, id: path.id };
    return invocationView(await services.control.execute("invocations.get", input, caller));
  },
});

export const invocationOperations = [listInvocations, getInvocation];
