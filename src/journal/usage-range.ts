import { ReactorError } from "../domain/errors.ts";
import type { UsageStep } from "../domain/usage.ts";
import { hourMs } from "./usage-by-hour.ts";

export const dayMs = 24 * hourMs;
const stepMs: Readonly<Record<UsageStep, number>> = { hour: hourMs, day: dayMs };

export interface AlignedRange {
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly stepMs: number;
}

/** The day from which on sums are by the hour; before they are by the day (in UTC). */
export function hoursFrom(nowMs: number, hoursMsMax: number): number {
  return down(nowMs - hoursMsMax, dayMs);
}

/**
 * The range that can be summed: the one asked for, widened to whole hours, or to whole days where
 * only days are kept, and no further than the present hour. `invalid_request` when it ends before
 * it begins, or when hours are asked for where there are none.
 */
export function alignRange(
  { sinceMs, untilMs, step }: { sinceMs: number; untilMs: number; step: UsageStep },
  { nowMs, hoursMsMax }: { nowMs: number; hoursMsMax: number },
): AlignedRange {
  if (!(sinceMs <= untilMs)) throw refused("since", "it must not be after until");
  const hoursFromMs = hoursFrom(nowMs, hoursMsMax);
  if (step === "hour" && sinceMs < hoursFromMs) {
    const from = new Date(hoursFromMs).toISOString();
    throw refused(
      "step",
      `hours are kept from ${from} on; ask for days, or for since from then on`,
    );
  }
  const unit = (ms: number): number => (ms < hoursFromMs ? dayMs : hourMs);
  const since = down(sinceMs, unit(sinceMs));
  const until = Math.min(up(untilMs, unit(untilMs)), up(nowMs + 1, hourMs));
  return { sinceMs: since, untilMs: Math.max(since, until), stepMs: stepMs[step] };
}

function refused(name: string, why: string): ReactorError {
  return new ReactorError(
    "invalid_request",
    `Cannot sum usage: the query parameter ${name} is wrong: ${why}`,
    {
      details: { in: "query", pointer: `/${name}` },
    },
  );
}

function down(ms: number, unit: number): number {
  return Math.floor(ms / unit) * unit;
}

function up(ms: number, unit: number): number {
  return Math.ceil(ms / unit) * unit;
}
