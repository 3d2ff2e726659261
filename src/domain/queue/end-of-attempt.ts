import { backoffMs } from "../../base/backoff.ts";
import type { Random } from "../../base/random.ts";
import type { ErrorCode } from "../errors.ts";
import type { ManifestQueue } from "../manifest-queue.ts";

/** How an attempt went. */
export type AttemptEnd =
  | { readonly kind: "answered"; readonly status: number }
  /** The platform's error instead of an answer. */
  | { readonly kind: "failed"; readonly code: ErrorCode };

/** What follows. */
export type AttemptVerdict =
  | { readonly state: "succeeded" | "failed" | "dead" }
  /** `counts`: the attempt is one of those that `max_attempts` bounds. */
  | { readonly state: "queued"; readonly dueAtMs: number; readonly counts: boolean };

export interface AttemptFacts {
  readonly end: AttemptEnd;
  readonly retry: Pick<ManifestQueue, "attemptsMax" | "backoffMsMin" | "backoffMsMax">;
  /** Attempts that count, this one included. */
  readonly tries: number;
  readonly nowMs: number;
  readonly expiresAtMs: number;
  readonly random: Random;
}

/** What the platform refuses before the function is asked says nothing about the function. */
const unasked: ReadonlySet<ErrorCode> = new Set([
  "too_many_requests",
  "function_disabled",
  "deployment_not_ready",
  "alias_not_found",
  "deployment_not_found",
  "storage_unavailable",
]);
/** Answers below 500 that say "later" rather than "no". */
const laterStatuses: ReadonlySet<number> = new Set([408, 425, 429]);
/** The longest wait for what is refused because of the platform's state. */
const unaskedMsMax = 30_000;

/** Decides what becomes of an invocation after an attempt. */
export function endOfAttempt(facts: AttemptFacts): AttemptVerdict {
  const { end, retry, tries, nowMs, expiresAtMs, random } = facts;
  if (end.kind === "answered" && end.status < 400) return { state: "succeeded" };
  if (end.kind === "answered" && end.status < 500 && !laterStatuses.has(end.status)) {
    return { state: "failed" };
  }
  if (end.kind === "failed" && end.code === "function_not_found") return { state: "dead" };
  const counts = end.kind === "answered" || !unasked.has(end.code);
  if (counts && tries >= retry.attemptsMax) return { state: "dead" };
  const maxMs = counts ? retry.backoffMsMax : Math.min(retry.backoffMsMax, unaskedMsMax);
  const wait = { firstMs: retry.backoffMsMin, maxMs, factor: 2 };
  const dueAtMs = nowMs + backoffMs(Math.max(0, tries - 1), wait, random);
  return dueAtMs > expiresAtMs ? { state: "dead" } : { state: "queued", dueAtMs, counts };
}
