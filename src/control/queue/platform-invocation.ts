import type { FunctionPlan } from "../../domain/plan.ts";
import type { QueuedInvocation, QueuedOrigin } from "../../domain/queue/queued-invocation.ts";
import { notBegun } from "./not-begun.ts";
import type { QueuePayload } from "./queue-seal.ts";
import type { RequestFacts } from "./stored-request.ts";

export interface PlatformInvocationOptions {
  readonly id: string;
  readonly requestId: string;
  /** Whose production runs it. */
  readonly functionPlan: FunctionPlan;
  readonly origin: QueuedOrigin;
  readonly position: number;
  readonly nowMs: number;
  readonly ageMsMax: number;
  readonly depth: number;
  readonly contentType: string;
  /** Flat list beside those that every one has. */
  readonly headers: readonly string[];
  /** Who the platform asks as. */
  readonly caller: { readonly id: string; readonly name: string };
  readonly body: Uint8Array;
}

/** An invocation that the platform queues by itself, due now, with its request. */
export function platformInvocation(
  options: PlatformInvocationOptions,
): QueuePayload<RequestFacts> & { readonly record: QueuedInvocation } {
  const { id, requestId, functionPlan, nowMs, body } = options;
  const facts: RequestFacts = {
    method: "POST",
    url: `http://${functionPlan.project}.internal/`,
    headers: [
      "Content-Type",
      options.contentType,
      "Content-Length",
      String(body.length),
      ...options.headers,
      "X-Request-Id",
      requestId,
    ],
    caller: JSON.stringify({ kind: "system", ...options.caller }),
    ip: "127.0.0.1",
  };
  const record: QueuedInvocation = {
    ...notBegun,
    id,
    requestId,
    projectId: functionPlan.projectId,
    functionId: functionPlan.functionId,
    selector: "production",
    origin: options.origin,
    position: options.position,
    orderingKey: undefined,
    acceptedAtMs: nowMs,
    dueAtMs: nowMs,
    expiresAtMs: nowMs + options.ageMsMax,
    storedBytes: body.length,
    idempotency: undefined,
    fingerprint: undefined,
    depth: options.depth,
  };
  return { record, facts, body };
}
