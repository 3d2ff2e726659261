import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { isDamage } from "./sqlite-failure.ts";

const repeatMs = 60_000;

/** Logs damage of the database that shows while the server runs, at most once a minute. */
export function createDamageAlarm(options: {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
}): (error: unknown, action: string) => void {
  const { path, clock, log } = options;
  let lastMs = Number.NEGATIVE_INFINITY;
  return (error, action) => {
    if (!isDamage(error) || clock.monotonicMs() - lastMs < repeatMs) return;
    lastMs = clock.monotonicMs();
    log.error("THE DATABASE IS DAMAGED: changes and reads that meet the damage are refused", {
      path,
      action,
      error: String(error),
    });
  };
}
