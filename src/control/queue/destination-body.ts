import type { QueuedInvocation, QueuedState } from "../../domain/queue/queued-invocation.ts";
import type { QueuePayload } from "./queue-seal.ts";
import type { RequestFacts, ResultFacts } from "./stored-request.ts";

export interface DestinationFacts {
  readonly invocation: QueuedInvocation;
  readonly state: QueuedState;
  readonly project: string;
  readonly functionName: string;
  readonly request: QueuePayload<RequestFacts> | undefined;
  readonly result: QueuePayload<ResultFacts>;
}

/** Bodies up to this size are passed on. */
const bodyBytesMax = 262_144;

/** The JSON that a destination gets as its request's body. */
export function destinationBody(about: DestinationFacts): Buffer {
  const { invocation, state, request, result } = about;
  const { status, error, truncated } = result.facts;
  return Buffer.from(
    JSON.stringify({
      id: invocation.id,
      request_id: invocation.requestId,
      project: about.project,
      function: about.functionName,
      state,
      attempt: invocation.attempt,
      accepted_at: new Date(invocation.acceptedAtMs).toISOString(),
      error: error ?? null,
      request:
        request === undefined
          ? null
          : { method: request.facts.method, url: request.facts.url, ...shownBody(request.body) },
      response: status === undefined ? null : { status, truncated, ...shownBody(result.body) },
    }),
  );
}

/** A body as JSON holds it: its value when it is JSON, else text, else Base64. */
export function shownBody(body: Uint8Array): Readonly<Record<string, unknown>> {
  if (body.length === 0) return { body: null };
  if (body.length > bodyBytesMax) return { body: null, body_omitted_bytes: body.length };
  const bytes = Buffer.from(body);
  const text = bytes.toString("utf8");
  if (!Buffer.from(text).equals(bytes)) return { body_base64: bytes.toString("base64") };
  try {
    return { body: JSON.parse(text) as unknown };
  } catch (error) {
    if (error instanceof SyntaxError) return { body: text };
    throw error;
  }
}
