import type { Wait } from "./wait.ts";

/** When a wait began and when it is over, monotonic; the other clock readings are as of now. */
export function beginWait(options: {
  /** How it waited before a change of the plan, or the death of an instance, made it wait anew. */
  readonly earlier: Wait | undefined;
  readonly forStart: boolean;
  readonly nowMs: number;
  readonly queueMs: number;
  readonly startTimeoutMs: number;
}): Pick<Wait, "sinceMs" | "untilMs"> {
  const { earlier, forStart, nowMs, queueMs, startTimeoutMs } = options;
  // It goes on waiting: changes in quick succession would otherwise keep it for as long as they last.
  const sinceMs = earlier?.sinceMs ?? nowMs;
  if (forStart) return { sinceMs, untilMs: startBoundMs(sinceMs, startTimeoutMs) };
  return { sinceMs, untilMs: earlier?.forStart === false ? earlier.untilMs : nowMs + queueMs };
}

/** The start itself is bounded and fails its waiters; this is the backstop behind it. */
export function startBoundMs(sinceMs: number, startTimeoutMs: number): number {
  return sinceMs + 2 * startTimeoutMs;
}
