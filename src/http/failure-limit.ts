import type { Clock } from "../base/clock.ts";
import { ReactorError } from "../domain/errors.ts";
import { networkOf } from "./network-of.ts";

const windowMs = 60_000;

interface Failures {
  count: number;
  readonly sinceMs: number;
}

/** Counts refused credentials per address, so that keys cannot be guessed at speed. */
export interface FailureLimit {
  /** `too_many_requests` while the address has used up its failures of this minute. */
  refusal(address: string): ReactorError | undefined;
  /** Throws what `refusal` says. */
  check(address: string): void;
  failed(address: string): void;
}

/** Remembers at most `addressesMax` addresses; beyond that the oldest is forgotten. */
export function createFailureLimit(options: {
  clock: Clock;
  failuresPerMinute: number;
  addressesMax: number;
}): FailureLimit {
  const { clock, failuresPerMinute, addressesMax } = options;
  const failures = new Map<string, Failures>();
  const current = (key: string): Failures | undefined => {
    const entry = failures.get(key);
    if (entry && clock.monotonicMs() - entry.sinceMs < windowMs) return entry;
    failures.delete(key);
    return undefined;
  };
  const refusal = (address: string): ReactorError | undefined => {
    const entry = current(networkOf(address));
    if (!entry || entry.count < failuresPerMinute) return undefined;
    const waitMs = windowMs - (clock.monotonicMs() - entry.sinceMs);
    return new ReactorError(
      "too_many_requests",
      `Cannot check this credential: ${failuresPerMinute} unknown keys or tokens came from this address within a minute; wait and try again`,
      {
        details: { failures_per_minute: failuresPerMinute },
        retryAfterSecs: Math.ceil(waitMs / 1000),
      },
    );
  };
  return {
    refusal,
    check(address) {
      const refused = refusal(address);
      if (refused !== undefined) throw refused;
    },
    failed(address) {
      const key = networkOf(address);
      const entry = current(key);
      if (entry) {
        entry.count += 1;
        return;
      }
      if (failures.size >= addressesMax) {
        const oldest = failures.keys().next();
        if (!oldest.done) failures.delete(oldest.value);
      }
      failures.set(key, { count: 1, sinceMs: clock.monotonicMs() });
    },
  };
}
