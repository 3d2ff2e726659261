import { z } from "@hono/zod-openapi";
import { shownBody } from "../../control/queue/destination-body.ts";
import { ReactorError } from "../../domain/errors.ts";
import { anonymousCaller } from "../../domain/caller.ts";
import { queuedStates } from "../../domain/queue/queued-invocation.ts";
import { defineOperation } from "../operation.ts";
import { pageSchema, pageShape, pageView } from "../page.ts";
import { invocationBody, invocationSchema } from "./invocation-view.ts";

const tag = "invocations";
const params = { id: z.string().max(200).describe("`inv_…`.") };

const listInvocations = defineOperation({
  id: "listInvocations",
  method: "get",
  path: "/invocations",
  tag,
  summary: "List the newest invocations, newest first",
  description:
    "With `state`: queued invocations that are in it, page by page and without results; `dead` lists the dead letters. Without: every invocation of which there is a record, the newest only.",
  query: {
    function: z.string().max(100).optional().describe("Only of this function, by name or id."),
    request_id: z.string().max(200).optional().describe("Not together with `state`."),
    state: z.enum(queuedStates).optional(),
    limit: z.coerce.number().int().min(1).max(1000).optional().describe("100 when absent."),
    cursor: pageShape.cursor,
  },
  output: pageSchema(invocationSchema),
  outputDescription: "The invocations.",
  async run({ services, caller, project, query }) {
    const { function: name, state, request_id: requestId, limit = 100, cursor } = query;
    const { control } = services;
    if (state === undefined) {
      refuseTogether("cursor", cursor, "needs state: without it only the newest are listed");
      const input = { project, function: name, requestId, limit };
      const records = await control.execute("invocations.list", input, caller);
      const items = records.map((record) => invocationBody({ record, queued: undefined }));
      return { items, next_cursor: null };
    }
    refuseTogether("request_id", requestId, "does not go together with state");
    const input = { project, function: name, state, limit, cursor };
    const page = await control.execute("invocations.queued", input, caller);
    return pageView(page, (queued) => invocationBody({ record: undefined, queued }));
  },
});

function refuseTogether(name: string, value: string | undefined, why: string): void {
  if (value === undefined) return;
  throw new ReactorError("invalid_request", `The query parameter ${name} ${why}`, {
    details: { in: "query", pointer: `/${name}` },
  });
}

const getInvocation = defineOperation({
  id: "getInvocation",
  method: "get",
  path: "/invocations/{id}",
  tag,
  summary: "Get an invocation",
  description:
    "The `status_url` of a queued invocation leads here with its `token`, which takes the place of a key.",
  params,
  query: { token: z.string().max(100).optional().describe("As in `status_url`.") },
  tokenParameter: "token",
  output: invocationSchema,
  outputDescription: "The invocation.",
  async run({ services, caller, project, path, query }) {
    const { token } = query;
    const { control } = services;
    if (token === undefined) {
      const input = { project, id: path.id };
      return invocationBody(await control.execute("invocations.get", input, caller));
    }
    const input = { id: path.id, token };
    const queued = await control.execute("invocations.status", input, anonymousCaller);
    return invocationBody({ record: undefined, queued });
  },
});

const requestSchema = z
  .object({
    method: z.string(),
    url: z.string(),
    headers: z.array(z.array(z.string())).describe("Pairs of name and value."),
    body: z.unknown().describe("The value of a JSON body, or text; null for none."),
    body_base64: z.string().optional(),
    body_omitted_bytes: z.int().optional(),
  })
  .openapi("InvocationRequest");

const getInvocationRequest = defineOperation({
  id: "getInvocationRequest",
  method: "get",
  path: "/invocations/{id}/request",
  tag,
  summary: "Show the request of a queued invocation that has not succeeded",
  params,
  output: requestSchema,
  outputDescription: "The request.",
  async run({ services, caller, project, path }) {
    const input = { project, id: path.id };
    const { facts, body } = await services.control.execute("invocations.request", input, caller);
    const { method, url, headers } = facts;
    const pairs = Array.from({ length: headers.length / 2 }, (_, n) =>
      headers.slice(2 * n, 2 * n + 2),
    );
    return { method, url, headers: pairs, body: null, ...shownBody(body) };
  },
});

const editInvocation = defineOperation({
  id: "editInvocation",
  method: "patch",
  path: "/invocations/{id}/request",
  tag,
  summary: "Give a failed or dead invocation another request body",
  description: "It does not run before it is retried.",
  params,
  body: z.union([
    z.strictObject({ json: z.unknown().describe("Any JSON value.") }),
    z.strictObject({ text: z.string() }),
    z.strictObject({ base64: z.base64() }),
  ]),
  output: invocationSchema,
  outputDescription: "The invocation.",
  async run({ services, caller, project, path, body }) {
    const input = { project, id: path.id, body: bytesOf(body) };
    const queued = await services.control.execute("invocations.edit", input, caller);
    return invocationBody({ record: undefined, queued });
  },
});

function bytesOf(body: { json?: unknown } | { text: string } | { base64: string }): Uint8Array {
  if ("text" in body) return Buffer.from(body.text);
  if ("base64" in body) return Buffer.from(body.base64, "base64");
  return Buffer.from(JSON.stringify("json" in body ? (body.json ?? null) : null));
}

const retryInvocation = defineOperation({
  id: "retryInvocation",
  method: "post",
  path: "/invocations/{id}/retry",
  tag,
  summary: "Run a failed or dead invocation again",
  params,
  output: invocationSchema,
  outputDescription: "The invocation, queued.",
  async run({ services, caller, project, path }) {
    const input = { project, id: path.id };
    const queued = await services.control.execute("invocations.retry", input, caller);
    return invocationBody({ record: undefined, queued });
  },
});

const retryDeadInvocations = defineOperation({
  id: "retryDeadInvocations",
  method: "post",
  path: "/functions/{id}/retry-dead",
  tag,
  summary: "Run a function's dead invocations again, at most the newest 1000",
  params: { id: z.string().max(100).describe("Name or id.") },
  output: z.object({ retried: z.int() }),
  outputDescription: "How many were queued.",
  run({ services, caller, project, path }) {
    const input = { project, function: path.id };
    return services.control.execute("invocations.retryDead", input, caller);
  },
});

export const invocationOperations = [
  listInvocations,
  getInvocation,
  getInvocationRequest,
  editInvocation,
  retryInvocation,
  retryDeadInvocations,
];
