import { eventTypes } from "./event.ts";
import { functionNamePattern } from "./names.ts";

const between = (min: number, max: number) => () => ({ min, max });

/** Manifest keys about queued invocations. */
export const queueKeys = [
  {
    pointer: "/async",
    type: "boolean",
    bounds: "true or false",
    default: "false",
    description:
      "Whether every call is queued and answered with 202; else those with `Prefer: respond-async`.",
  },
  {
    pointer: "/retry",
    type: "object",
    bounds: "an object",
    default: "{}",
    description: "When queued invocations that failed run again.",
  },
  {
    pointer: "/retry/max_attempts",
    type: "integer",
    range: between(1, 100),
    bounds: "1–100",
    default: "5",
    description: "How often a queued invocation runs before it is dead; 1 is no retry.",
  },
  {
    pointer: "/retry/min_backoff_ms",
    type: "integer",
    range: between(10, 3_600_000),
    bounds: "10–3600000",
    default: "1000",
    description: "Milliseconds before the first retry; they double with each, less a random part.",
  },
  {
    pointer: "/retry/max_backoff_ms",
    type: "integer",
    range: between(10, 86_400_000),
    bounds: "min_backoff_ms–86400000",
    default: "300000, or min_backoff_ms when that is more",
    description: "The longest wait between two attempts.",
  },
  {
    pointer: "/retry/max_age_secs",
    type: "integer",
    range: between(1, 2_592_000),
    bounds: "1–2592000 (30 days)",
    default: "86400",
    description: "Seconds after which a queued invocation does not begin any more: it is dead.",
  },
  {
    pointer: "/destinations",
    type: "object",
    bounds: "an object",
    default: "{}",
    description: "Functions of the project that are told how queued invocations ended.",
  },
  {
    pointer: "/destinations/on_success",
    type: "string",
    pattern: functionNamePattern,
    lengthMax: 63,
    bounds: "the name of a function of the project",
    default: "none",
    description: "Gets, queued, what succeeded: the request and its answer.",
  },
  {
    pointer: "/destinations/on_failure",
    type: "string",
    pattern: functionNamePattern,
    lengthMax: 63,
    bounds: "the name of a function of the project",
    default: "none",
    description: "Gets, queued, what failed or is dead: the request and the error.",
  },
  {
    pointer: "/schedule",
    type: "schedules",
    bounds:
      'at most 32 of { "cron", "timezone" (UTC), "payload" ({}), "catch_up": skip | once | all (skip) }',
    default: "[]",
    description: "When the function is invoked by itself, through the queue.",
  },
  {
    pointer: "/events",
    type: "strings",
    pattern: new RegExp(`^(?:${eventTypes.join("|").replaceAll(".", "\\.")})$`),
    lengthMax: 40,
    itemsMax: eventTypes.length,
    bounds: `any of ${eventTypes.join(", ")}`,
    default: "none",
    description: "Events of the project that the function hears, through the queue.",
  },
] as const;

/** The one that belongs among the concurrency keys. */
export const queueConcurrencyKey = {
  pointer: "/concurrency/max_async",
  type: "integer",
  range: between(1, 100_000),
  bounds: "1–100000",
  default: "half of max_concurrency",
  description: "Queued invocations of the function that run at once.",
} as const;
