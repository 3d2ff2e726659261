import { Cron } from "croner";

/** What happens to ticks that came while nobody could run them. */
export const catchUps = ["skip", "once", "all"] as const;
export type CatchUp = (typeof catchUps)[number];

/** When a function runs by itself. */
export interface Schedule {
  readonly cron: string;
  /** Name of an IANA zone. */
  readonly timezone: string;
  /** JSON of the request's body. */
  readonly payload: string;
  readonly catchUp: CatchUp;
}

/** A tick that is found this much later was missed: the server did not run, or its clock jumped. */
const missedMs = 60_000;
/** The most ticks that are looked at, and that `all` catches up with, at once. */
const ticksMax = 1000;

/** Why an expression or a zone cannot be used; undefined when they can. */
export function scheduleFault({
  cron,
  timezone,
}: Pick<Schedule, "cron" | "timezone">): string | undefined {
  try {
    // The expression is read when it is made, the zone when it is used.
    const first = new Cron(cron, { timezone, paused: true }).nextRun(new Date(0));
    return first === null ? "it never comes" : undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * Times of the next ticks after a moment. Where the zone's clock is put forward, a tick in the hour
 * that is left out comes at its end; where it is put back, a fixed hour comes once.
 */
export function nextTicks(schedule: Schedule, afterMs: number, count: number): readonly number[] {
  const cron = new Cron(schedule.cron, { timezone: schedule.timezone, paused: true });
  return cron.nextRuns(count, new Date(afterMs)).map((tick) => tick.getTime());
}

/** What is to run now of a schedule whose ticks up to `lastMs` were dealt with. */
export interface DueTicks {
  readonly run: readonly number[];
  /** Ticks up to here are dealt with now. */
  readonly dealtWithMs: number;
}

/** Decides which ticks run: what was not missed, and of the missed ones what `catchUp` says. */
export function dueTicks(schedule: Schedule, lastMs: number, nowMs: number): DueTicks {
  const found = ticksBetween(schedule, lastMs, nowMs);
  const last = found.at(-1);
  if (last === undefined) return { run: [], dealtWithMs: lastMs };
  if (schedule.catchUp === "all") return { run: found, dealtWithMs: last };
  // More than are looked at were missed: what is between is left out at once.
  const dealtWithMs = found.length < ticksMax ? last : nowMs;
  const fresh = found.filter((tick) => nowMs - tick < missedMs);
  if (schedule.catchUp === "skip" || fresh.length > 0) return { run: fresh, dealtWithMs };
  return { run: [last], dealtWithMs };
}

/** The first ticks after `lastMs` that are not after `nowMs`. */
function ticksBetween(schedule: Schedule, lastMs: number, nowMs: number): readonly number[] {
  const cron = new Cron(schedule.cron, { timezone: schedule.timezone, paused: true });
  const found: number[] = [];
  for (let afterMs = lastMs; found.length < ticksMax; ) {
    const tick = cron.nextRun(new Date(afterMs));
    if (tick === null || tick.getTime() > nowMs) break;
    afterMs = tick.getTime();
    found.push(afterMs);
  }
  return found;
}
