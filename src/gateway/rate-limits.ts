import type { Clock } from "../base/clock.ts";
import { ReactorError } from "../domain/errors.ts";
import type { ManifestRateLimit } from "../domain/rate-limit.ts";
import type { Route } from "../serving/route-table.ts";

/** Clients that are remembered for one function; beyond that the one seen longest ago is forgotten. */
const clientsMax = 10_000;

interface Limiter {
  readonly limit: ManifestRateLimit;
  /** When each client will have used up nothing, in order of its last request. */
  readonly freeAtMs: Map<string, number>;
}

/** Counts requests per function and client. What was counted outlives a change of the plan. */
export class RateLimits {
  readonly #clock: Clock;
  readonly #limiters = new Map<string, Limiter>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Counts one request of the client; `too_many_requests` when it is over the limit, and then it
   * does not count. Every request takes its share of the period, which is given back as time passes,
   * so that a client gets no second helping at the turn of a period.
   */
  refusal(route: Route, limit: ManifestRateLimit, client: string): ReactorError | undefined {
    const { freeAtMs } = this.#limiterOf(route, limit);
    const nowMs = this.#clock.monotonicMs();
    const shareMs = limit.periodMs / limit.requests;
    const usedFromMs = Math.max(freeAtMs.get(client) ?? nowMs, nowMs);
    const waitMs = usedFromMs + shareMs - limit.periodMs - nowMs;
    // A hair's breadth of rounding must not refuse the last request of the period.
    if (waitMs > 0.001) return overLimit(route, limit, waitMs);
    freeAtMs.delete(client);
    if (freeAtMs.size >= clientsMax) {
      const oldest = freeAtMs.keys().next();
      if (!oldest.done) freeAtMs.delete(oldest.value);
    }
    freeAtMs.set(client, usedFromMs + shareMs);
    return undefined;
  }

  #limiterOf(route: Route, limit: ManifestRateLimit): Limiter {
    const { functionId } = route.function;
    const known = this.#limiters.get(functionId);
    if (known !== undefined && isSame(known.limit, limit)) return known;
    if (known === undefined) this.#forgetOthersThan(route);
    const limiter = { limit, freeAtMs: new Map<string, number>() };
    this.#limiters.set(functionId, limiter);
    return limiter;
  }

  /** Forgets functions that are gone, when one comes. */
  #forgetOthersThan({ plan }: Route): void {
    if (this.#limiters.size === 0) return;
    const present = new Set([...plan.functions.values()].map(({ functionId }) => functionId));
    for (const functionId of this.#limiters.keys()) {
      if (!present.has(functionId)) this.#limiters.delete(functionId);
    }
  }
}

function isSame(a: ManifestRateLimit, b: ManifestRateLimit): boolean {
  return a === b || (a.requests === b.requests && a.periodMs === b.periodMs && a.by === b.by);
}

function overLimit(route: Route, limit: ManifestRateLimit, waitMs: number): ReactorError {
  const { name } = route.function;
  const { requests, periodMs, by } = limit;
  const whose = by === "address" ? "address" : "caller";
  return new ReactorError(
    "too_many_requests",
    `Cannot invoke "${name}": its rate limit is ${requests} requests in ${periodMs / 1000} s for each ${whose}; wait and try again`,
    {
      details: {
        function: name,
        rate_limit: { requests, period_secs: periodMs / 1000, by },
      },
      retryAfterSecs: Math.max(1, Math.ceil(waitMs / 1000)),
    },
  );
}
