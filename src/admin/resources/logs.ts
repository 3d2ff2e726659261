import { z } from "@hono/zod-openapi";
import { type LogLevel, logLevels } from "../../base/log.ts";
import { ReactorError } from "../../domain/errors.ts";
import type { StoredLogLine } from "../../domain/invocation.ts";
import { isoTime, timeInputSchema, timeSchema } from "../iso-time.ts";
import { logStream } from "../log-stream.ts";
import { type AnyCall, defineOperation } from "../operation.ts";
import { functionRef, functionShape } from "./functions.ts";

const logLineSchema = z
  .object({
    seq: z.int().describe("Rises by one per function."),
    at: timeSchema,
    level: z.enum(logLevels),
    source: z.enum(["log", "stdout", "stderr", "platform"]),
    function_id: z.string(),
    deployment_id: z.string(),
    invocation_id: z.string().nullable(),
    request_id: z.string().nullable(),
    message: z.string(),
  })
  .openapi("LogLine");

function logLineView(line: StoredLogLine): z.output<typeof logLineSchema> {
  return {
    seq: line.seq,
    at: isoTime(line.atMs),
    level: line.level,
    source: line.source,
    function_id: line.functionId,
    deployment_id: line.deploymentId,
    invocation_id: line.invocationId ?? null,
    request_id: line.requestId ?? null,
    message: line.message,
  };
}

const queryShape = {
  follow: z
    .enum(["true", "false"])
    .optional()
    .describe("`true`: server-sent events, as with `Accept: text/event-stream`."),
  since: timeInputSchema.optional().describe("Only lines from this time on."),
  level: z
    .string()
    .regex(/^(debug|info|warn|error)(,(debug|info|warn|error))*$/)
    .optional()
    .describe("Only these levels, with commas between them."),
  request_id: z.string().max(200).optional(),
  after: z.coerce.number().int().min(0).optional().describe("Only lines after this `seq`."),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe("The newest lines that match, oldest first; 100 when absent. Not with `follow`."),
};

type LogCall = AnyCall & {
  path: { id: string };
  query: z.output<z.ZodObject<typeof queryShape>>;
};

/** What reading and following share. */
function filterOf({ query }: LogCall): {
  levels: readonly LogLevel[] | undefined;
  requestId: string | undefined;
  sinceMs: number | undefined;
} {
  const wanted = query.level?.split(",");
  return {
    levels: wanted && logLevels.filter((level) => wanted.includes(level)),
    requestId: query.request_id,
    sinceMs: query.since === undefined ? undefined : Date.parse(query.since),
  };
}

const readLogs = defineOperation({
  id: "readLogs",
  method: "get",
  path: "/functions/{id}/logs",
  tag: "logs",
  summary: "Read or follow a function's log",
  description:
    "As JSON the newest lines that match. As server-sent events the stored lines after `after`, then new ones as they come: `event: log`, `id:` the line's `seq`, `data:` a LogLine; comments keep the connection alive. A client that comes back with `Last-Event-ID` goes on after that line.",
  params: functionShape,
  query: queryShape,
  headers: { "Last-Event-ID": z.string().optional().describe("`seq` to go on after.") },
  output: z.object({ items: z.array(logLineSchema) }).openapi("LogLines"),
  outputDescription: "The lines, oldest first.",
  outputAlso: { "text/event-stream": z.string() },
  async run(call) {
    const { request, services, caller, query } = call;
    const wantsEvents = (request.headers.get("accept") ?? "").includes("text/event-stream");
    if (query.follow === "true" || (wantsEvents && query.follow === undefined)) return follow(call);
    const items = await services.control.execute(
      "logs.read",
      {
        ...functionRef(call),
        ...filterOf(call),
        afterSeq: query.after,
        limit: query.limit ?? 100,
      },
      caller,
    );
    return { items: items.map(logLineView) };
  },
});

async function follow(call: LogCall): Promise<Response> {
  const { request, services, caller, query } = call;
  if (query.limit !== undefined) {
    throw new ReactorError(
      "invalid_request",
      "`limit` cannot be combined with following; use `after`",
      {
        details: { in: "query", pointer: "/limit" },
      },
    );
  }
  const afterSeq = resumeAfter(request.headers) ?? query.after;
  const { sinceMs, ...filter } = filterOf(call);
  const follower = services.followers.open();
  try {
    const lines = await services.control.execute(
      "logs.follow",
      { ...functionRef(call), ...filter, afterSeq, signal: follower.signal },
      caller,
    );
    return logStream({
      lines,
      eventOf: (line) =>
        sinceMs !== undefined && line.atMs < sinceMs
          ? undefined
          : { id: line.seq, data: JSON.stringify(logLineView(line)) },
      follower,
      ended: () => services.followers.closed(follower),
      // A HEAD has no body to follow in.
      headOnly: request.method === "HEAD",
      mayGoOn: call.mayGoOn,
      disconnect: call.disconnect,
      clock: services.clock,
      log: services.log,
      heartbeatMs: services.limits.heartbeatMs,
    });
  } catch (error) {
    services.followers.closed(follower);
    throw error;
  }
}

function resumeAfter(headers: Headers): number | undefined {
  const id = headers.get("last-event-id");
  if (id === null || id === "") return undefined;
  if (/^\d{1,15}$/.test(id)) return Number(id);
  throw new ReactorError(
    "invalid_request",
    "The header Last-Event-ID is no line of this log: it must be the `id` of a received event",
  );
}

export const logOperations = [readLogs];
