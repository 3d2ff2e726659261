import type { SettingDefinition } from "./setting.ts";

/** What bounds queued invocations. */
export const asyncSettings = {
  asyncPayloadBytesMax: {
    path: "functions.async_payload_max_bytes",
    summary: "Largest request body that is queued; a function's `max_body_in_mb` may be less.",
    type: "integer",
    default: 5_242_880,
    min: 1024,
    max: 67_108_864,
  },
  asyncCountMax: {
    path: "functions.async_max_queued",
    summary: "Invocations of one function that may be queued or running; more get 429.",
    type: "integer",
    default: 10_000,
    min: 1,
    max: 1_000_000,
  },
  asyncBytesMax: {
    path: "functions.async_max_queued_bytes",
    summary:
      "Bytes of the requests that one function may have queued, more get 429; and of the finished ones that are kept of it.",
    type: "integer",
    default: 268_435_456,
    min: 1024,
    max: 1_099_511_627_776,
  },
  asyncRunningMax: {
    path: "functions.async_max_running",
    summary: "Queued invocations of all functions that run at the same time.",
    type: "integer",
    default: 256,
    min: 1,
    max: 10_000,
  },
  asyncResultBytesMax: {
    path: "functions.async_result_max_bytes",
    summary: "Bytes of a queued invocation's answer that are kept for its status URL.",
    type: "integer",
    default: 65_536,
    min: 0,
    max: 16_777_216,
  },
  asyncFinishedMax: {
    path: "functions.async_max_finished",
    summary: "Finished queued invocations of one function that are kept, the newest.",
    type: "integer",
    default: 10_000,
    min: 1,
    max: 1_000_000,
  },
  asyncFinishedHours: {
    path: "functions.async_retention_hours",
    summary: "How long succeeded and failed queued invocations are kept.",
    type: "integer",
    default: 24,
    min: 1,
    max: 87_600,
  },
  asyncDeadHours: {
    path: "functions.async_dead_retention_hours",
    summary: "How long dead queued invocations are kept, with their requests.",
    type: "integer",
    default: 336,
    min: 1,
    max: 87_600,
  },
} as const satisfies Readonly<Record<string, SettingDefinition>>;
