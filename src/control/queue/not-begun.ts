import type { QueuedInvocation } from "../../domain/queue/queued-invocation.ts";

/** What an invocation has that is queued and was never begun. */
export const notBegun = {
  state: "queued",
  finishedAtMs: undefined,
  attempt: 0,
  tries: 0,
  lease: undefined,
  revision: undefined,
  status: undefined,
  errorCode: undefined,
} as const satisfies Partial<QueuedInvocation>;
