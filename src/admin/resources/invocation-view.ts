import { z } from "@hono/zod-openapi";
import type { InvocationView } from "../../control/control-plane.ts";
import { shownBody } from "../../control/queue/destination-body.ts";
import type { QueuedView } from "../../control/queue/queued-view.ts";
import type { InvocationRecord } from "../../domain/invocation.ts";
import { queuedOrigins, queuedStates } from "../../domain/queue/queued-invocation.ts";
import { isoTime, timeSchema } from "../iso-time.ts";
import { usageSchema, usageView } from "./usage-view.ts";

/** What an answer was, as far as it is kept. */
const resultSchema = z
  .object({
    status: z.int(),
    headers: z.array(z.array(z.string())).describe("Pairs of name and value."),
    truncated: z.boolean().describe("The body had more than is kept."),
    body: z.unknown().describe("The value of a JSON body, or text; null for none."),
    body_base64: z.string().optional().describe("In place of `body` when it is no text."),
    body_omitted_bytes: z.int().optional(),
  })
  .openapi("InvocationResult");

const queuedSchema = z
  .object({
    origin: z.enum(queuedOrigins),
    selector: z.string().describe("The alias or revision it was accepted for."),
    accepted_at: timeSchema,
    due_at: timeSchema.nullable().describe("When it runs (again), while it is queued."),
    expires_at: timeSchema.describe("It does not begin after this."),
    finished_at: timeSchema.nullable(),
    tries: z.int().describe("Attempts that count against `max_attempts`."),
    ordering_key: z.string().nullable(),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
    result: resultSchema.nullable(),
  })
  .openapi("QueuedInvocation");

export const invocationSchema = z
  .object({
    id: z.string(),
    request_id: z.string(),
    function_id: z.string(),
    state: z.enum(queuedStates),
    attempt: z.int().describe("1 for what was not queued; 0 before the first."),
    deployment_id: z.string().nullable().describe("Of the last attempt."),
    revision: z.int().nullable(),
    method: z.string().nullable(),
    started_at: timeSchema.nullable(),
    duration_ms: z.number().nullable().describe("Waiting and a cold start included."),
    usage: usageSchema
      .nullable()
      .describe(
        "Of the last attempt; zero when no instance got it, null where it was not measured.",
      ),
    status: z.int().nullable(),
    error_code: z.string().nullable(),
    cold: z.boolean(),
    bytes_in: z.int(),
    bytes_out: z.int(),
    queued: queuedSchema.nullable().describe("Null for what was not queued."),
  })
  .openapi("Invocation");

type InvocationBody = z.output<typeof invocationSchema>;

/** An invocation by its record, by what the queue keeps, or by both. */
export function invocationBody({ record, queued }: InvocationView): InvocationBody {
  const recorded = record === undefined ? undefined : recordBody(record);
  if (queued === undefined) {
    if (recorded === undefined) throw new Error("Assertion failed: an invocation is known somehow");
    return recorded;
  }
  const { invocation } = queued;
  return {
    ...(recorded ?? unrecorded),
    id: invocation.id,
    request_id: invocation.requestId,
    function_id: invocation.functionId,
    state: invocation.state,
    attempt: invocation.attempt,
    revision: invocation.revision ?? null,
    status: invocation.status ?? recorded?.status ?? null,
    error_code: invocation.errorCode ?? null,
    queued: queuedBody(queued),
  };
}

const unrecorded = {
  deployment_id: null,
  method: null,
  started_at: null,
  duration_ms: null,
  usage: null,
  cold: false,
  bytes_in: 0,
  bytes_out: 0,
};

function recordBody(record: InvocationRecord): InvocationBody {
  const isGood = record.errorCode === undefined && record.status < 500;
  return {
    id: record.id,
    request_id: record.requestId,
    function_id: record.functionId,
    state: isGood ? "succeeded" : "failed",
    attempt: 1,
    deployment_id: record.deploymentId,
    revision: record.revision,
    method: record.method,
    started_at: isoTime(record.startedAtMs),
    duration_ms: record.durationMs,
    // Records of old do not say it.
    usage: record.runMs === undefined ? null : usageView({ ...record, runMs: record.runMs }),
    status: record.status,
    error_code: record.errorCode ?? null,
    cold: record.cold,
    bytes_in: record.bytesIn,
    bytes_out: record.bytesOut,
    queued: null,
  };
}

function queuedBody({ invocation, result }: QueuedView): z.output<typeof queuedSchema> {
  const { dueAtMs, finishedAtMs } = invocation;
  const facts = result?.facts;
  return {
    origin: invocation.origin,
    selector: invocation.selector,
    accepted_at: isoTime(invocation.acceptedAtMs),
    due_at: dueAtMs === undefined ? null : isoTime(dueAtMs),
    expires_at: isoTime(invocation.expiresAtMs),
    finished_at: finishedAtMs === undefined ? null : isoTime(finishedAtMs),
    tries: invocation.tries,
    ordering_key: invocation.orderingKey ?? null,
    error: facts?.error ?? null,
    result:
      result === undefined || facts?.status === undefined
        ? null
        : {
            status: facts.status,
            headers: pairs(facts.headers),
            truncated: facts.truncated,
            body: null,
            ...shownBody(result.body),
          },
  };
}

function pairs(flat: readonly string[]): string[][] {
  return Array.from({ length: flat.length / 2 }, (_, n) => flat.slice(2 * n, 2 * n + 2));
}
