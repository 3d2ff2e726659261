import { z } from "@hono/zod-openapi";
import { logLevels } from "../../base/log.ts";
import { type ErrorCode, errorCatalogue, ReactorError } from "../../domain/errors.ts";
import { isolations, runtimes } from "../../domain/manifest.ts";
import type { DraftCall, DraftOutcome } from "../../serving/draft-runner.ts";
import { isoTime, timeSchema } from "../iso-time.ts";
import { defineOperation } from "../operation.ts";
import { decodeFiles, filesRecord } from "../upload.ts";
import { usageSchema, usageView } from "./usage-view.ts";

const codes = Object.keys(errorCatalogue) as [ErrorCode, ...ErrorCode[]];

const contentSchema = z.union([
  z.string().describe("Text."),
  z.strictObject({ base64: z.string().describe("Bytes.") }),
]);

const requestSchema = z.strictObject({
  method: z
    .string()
    .regex(/^[A-Z]{1,20}$/)
    .optional()
    .describe("`POST` with a body, else `GET`, when absent."),
  path: z
    .string()
    .regex(/^\/[\x21-\x7e]*$/)
    .max(8000)
    .optional()
    .describe("Path and query; `/` when absent."),
  headers: z
    .record(z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/), z.string().max(16_384))
    .optional(),
  body: contentSchema.optional(),
});

const runBody = z
  .strictObject({
    runtime: z
      .enum([...runtimes, "javascript", "typescript"])
      .optional()
      .describe("The manifest's, else `bun`, when absent."),
    isolation: z.enum(isolations).optional(),
    files: filesRecord,
    event: z.unknown().optional().describe("Sent as JSON by POST; `{}` when absent."),
    request: requestSchema.optional().describe("A whole request, in place of `event`."),
    env: z.record(z.string(), z.string()).optional(),
    secrets: z.record(z.string(), z.string()).optional(),
  })
  .openapi("PlaygroundRun");

const outcomeSchema = z
  .object({
    status: z.int().nullable().describe("Null when the code gave no answer."),
    headers: z.array(z.object({ name: z.string(), value: z.string() })),
    body: contentSchema.describe("Text when it is UTF-8. With an error: what came of it."),
    shape: z.string().nullable().describe("Handler shape; null when it never became ready."),
    prepare_ms: z.number().describe("Bundling."),
    start_ms: z.number().describe("Starting an instance, as on a cold start."),
    duration_ms: z.number().describe("From the request to the end of the answer."),
    usage: usageSchema,
    logs: z.array(
      z.object({
        at: timeSchema,
        level: z.enum(logLevels),
        source: z.enum(["log", "stdout", "stderr", "platform"]),
        message: z.string(),
      }),
    ),
    logs_dropped: z.int().describe("Lines beyond 1000, or beyond 256 KiB."),
    error: z
      .object({
        code: z.enum(codes),
        message: z.string(),
        status: z.int().describe("What a deployed function's caller would get."),
        details: z
          .record(z.string(), z.unknown())
          .describe(
            "`log` of the build or start, `stack`, and the typed `exit`, as far as there are any.",
          ),
      })
      .nullable()
      .describe("What the code did wrong; null when it answered whole."),
  })
  .openapi("PlaygroundOutcome");

type RequestBody = z.output<typeof requestSchema>;

function callOf(
  { event, request }: { event?: unknown; request?: RequestBody | undefined },
  requestId: string,
): DraftCall {
  if (request === undefined) {
    const body = Buffer.from(JSON.stringify(event === undefined ? {} : event));
    return call(
      { method: "POST", headers: { "content-type": "application/json" } },
      body,
      requestId,
    );
  }
  if (event !== undefined) {
    throw new ReactorError(
      "invalid_request",
      "Cannot run the draft: `event` and `request` are two requests; send one",
      { details: { in: "body", pointer: "/event" } },
    );
  }
  const body = request.body === undefined ? undefined : contentOf(request.body);
  if (body !== undefined && (request.method === "GET" || request.method === "HEAD")) {
    throw new ReactorError(
      "invalid_request",
      `Cannot run the draft: ${request.method} has no body`,
      {
        details: { in: "body", pointer: "/request/body" },
      },
    );
  }
  return call(request, body, requestId);
}

function call(request: RequestBody, body: Buffer | undefined, requestId: string): DraftCall {
  const { path = "/", headers = {} } = request;
  const host = "playground.localhost";
  return {
    method: request.method ?? (body === undefined ? "GET" : "POST"),
    url: `http://${host}${path}`,
    headers: [...Object.entries(headers).flat(), "Host", host, "X-Request-Id", requestId],
    body,
  };
}

function contentOf(content: z.output<typeof contentSchema>): Buffer {
  if (typeof content === "string") return Buffer.from(content);
  const { base64 } = content;
  if (base64.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(base64)) {
    return Buffer.from(base64, "base64");
  }
  throw new ReactorError("invalid_request", "The request's body is not valid base64", {
    details: { in: "body", pointer: "/request/body/base64" },
  });
}

function outcomeView(outcome: DraftOutcome): z.output<typeof outcomeSchema> {
  const { body, logs, headers } = outcome;
  const text = body.toString("utf8");
  return {
    status: outcome.status ?? null,
    headers: Array.from({ length: headers.length / 2 }, (_, i) => ({
      name: headers[2 * i] ?? "",
      value: headers[2 * i + 1] ?? "",
    })),
    body: Buffer.from(text).equals(body) ? text : { base64: body.toString("base64") },
    shape: outcome.shape ?? null,
    prepare_ms: hundredths(outcome.prepareMs),
    start_ms: hundredths(outcome.startMs),
    duration_ms: hundredths(outcome.durationMs),
    usage: usageView(outcome.usage),
    logs: logs.map(({ atMs, level, source, message }) => ({
      at: isoTime(atMs),
      level,
      source,
      message,
    })),
    logs_dropped: outcome.logsDropped,
    error: errorView(outcome.failure),
  };
}

function errorView(failure: DraftOutcome["failure"]): z.output<typeof outcomeSchema>["error"] {
  if (failure === undefined) return null;
  const { error, stack } = failure;
  // There is no deployment that these could be about.
  const { function: _function, deployment_id: _deployment, ...details } = error.details;
  return {
    code: error.code,
    message: error.message,
    status: error.status,
    details: { ...details, ...(stack === undefined ? {} : { stack }) },
  };
}

function hundredths(ms: number): number {
  return Math.round(ms * 100) / 100;
}

const runPlayground = defineOperation({
  id: "runPlayground",
  method: "post",
  path: "/playground/run",
  tag: "playground",
  summary: "Run a draft once, without creating a function",
  description:
    "Needs the scope `playground:write`. The draft runs in the sandbox and under the limits of a deployed function, with no other variables than those sent. Nothing of it is kept. What its code does wrong is `error` in the answer; what is wrong with the request is the usual error.",
  body: runBody,
  output: outcomeSchema,
  outputDescription: "What became of it.",
  async run({ services, caller, project, body, request, requestId }) {
    const { runtime, isolation, files, env = {}, secrets = {} } = body;
    const input = {
      project,
      runtime: runtime === "javascript" || runtime === "typescript" ? ("bun" as const) : runtime,
      isolation,
      files: decodeFiles(files),
      env,
      secrets,
      call: callOf(body, requestId),
      requestId,
      signal: request.signal,
    };
    return outcomeView(await services.control.execute("playground.run", input, caller));
  },
});

export const playgroundOperations = [runPlayground];
