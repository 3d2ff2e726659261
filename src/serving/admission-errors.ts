import type { ReactorError } from "../domain/errors.ts";
import { describeExit } from "../domain/instance.ts";
import type { AdmissionLimits } from "./admission.ts";
import type { Invocation } from "./invocation.ts";
import type { PoolHealth } from "./pool-health.ts";
import { wireExit } from "./wire-exit.ts";

/** No slot in time. */
export function tooManyRequests(invocation: Invocation, limits: AdmissionLimits): ReactorError {
  return invocation.error(
    "too_many_requests",
    `Cannot run "${invocation.route.function.name}" now: its concurrency is used up and no slot came free within queue_ms of ${limits.queueMs} ms; retry, or raise max_concurrency or max_instances`,
    {
      retryAfterSecs: 1,
      details: {
        max_concurrency: limits.maxConcurrency,
        max_instances: limits.maxInstances,
        per_instance: limits.perInstance,
        queue_ms: limits.queueMs,
        queued_max: limits.queuedMax,
      },
    },
  );
}

/** No instance could be started. `details.log` is the start-up log, for those who may see it. */
export function coldStartError(invocation: Invocation, health: PoolHealth): ReactorError {
  const failure = health.lastFailure;
  const waitMs = Math.round(health.waitMs);
  const why = failure === undefined ? "was not ready in time" : describeExit(failure.exit);
  const held =
    waitMs > 0 ? `; it failed ${health.failures} times in a row, next try in ${waitMs} ms` : "";
  return invocation.error(
    "cold_start_failed",
    `Cannot start an instance of "${invocation.target?.label ?? ""}": it ${why}${held}`,
    {
      retryAfterSecs: Math.max(1, Math.ceil(waitMs / 1000)),
      details: {
        ...(failure === undefined ? {} : { exit: wireExit(failure.exit), log: failure.log }),
        failures_in_a_row: health.failures,
        retry_in_ms: waitMs,
      },
    },
  );
}
