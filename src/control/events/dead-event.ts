import type { PlatformEvent } from "../../domain/event.ts";
import type { QueuedInvocation } from "../../domain/queue/queued-invocation.ts";
import type { ResultFacts } from "../queue/stored-request.ts";

/** What is told of a queued invocation that is dead. */
export function deadEvent(about: {
  readonly invocation: QueuedInvocation;
  readonly functionName: string;
  readonly revision: number | undefined;
  readonly result: ResultFacts;
}): PlatformEvent {
  const { invocation, result } = about;
  return {
    type: "invocation.dead",
    projectId: invocation.projectId,
    functionName: about.functionName,
    depth: invocation.depth + 1,
    data: {
      function_id: invocation.functionId,
      invocation_id: invocation.id,
      request_id: invocation.requestId,
      origin: invocation.origin,
      revision: about.revision ?? null,
      attempt: invocation.attempt,
      accepted_at: new Date(invocation.acceptedAtMs).toISOString(),
      status: result.status ?? null,
      error: result.error ?? null,
    },
  };
}
