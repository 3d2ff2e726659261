import type { InstanceExit } from "../domain/instance.ts";

/** The exit as clients see it: snake_case names. */
export function wireExit(exit: InstanceExit): Readonly<Record<string, unknown>> {
  if (exit.reason === "memory") {
    const pod = exit.pod === undefined ? {} : { pod: exit.pod };
    return { reason: exit.reason, limit_mb: exit.limitMb, peak_mb: exit.peakMb, ...pod };
  }
  if (exit.reason === "unresponsive") {
    const what = exit.unconfirmed === undefined ? {} : { unconfirmed: exit.unconfirmed };
    return { reason: exit.reason, stuck_ms: exit.stuckMs, ...what };
  }
  if (exit.reason === "start_timeout") return { reason: exit.reason, limit_ms: exit.limitMs };
  return { ...exit };
}
