import { weekdays, type Weekday } from "./policy-rule.ts";
import { zonedTime } from "./zoned-time.ts";

/** Minutes after midnight; the end is not part of it and may be smaller than the start. */
interface Span {
  readonly from: number;
  readonly to: number;
}

const dayMinutes = 24 * 60;
const spanPattern = /^([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)$/;

/** Reads `HH:MM-HH:MM`; undefined when it is none, or has no length. The end may be 24:00. */
export function parseSpan(text: string): Span | undefined {
  const match = spanPattern.exec(text);
  if (match === null) return undefined;
  const from = Number(match[1]) * 60 + Number(match[2]);
  const to = match[3] === undefined ? dayMinutes : Number(match[3]) * 60 + Number(match[4]);
  return from === to ? undefined : { from, to };
}

/**
 * Compiles a window to a question about a moment. It is asked of the wall clock: an hour that comes
 * twice in autumn counts both times, and one that is left out in spring never comes.
 */
export function compileTimeWindow(window: {
  readonly days: readonly Weekday[] | undefined;
  readonly spans: readonly Span[] | undefined;
  readonly timezone: string;
}): (nowMs: number) => boolean {
  const days = new Set(window.days ?? weekdays);
  const spans = window.spans ?? [{ from: 0, to: dayMinutes }];
  return (nowMs) => {
    const local = zonedTime(nowMs, window.timezone);
    const minute = local.getUTCHours() * 60 + local.getUTCMinutes();
    // Date counts days from Sunday, `weekdays` from Monday.
    const day = (local.getUTCDay() + 6) % 7;
    const isOn = (index: number): boolean => days.has(weekdays[(index + 7) % 7] as Weekday);
    return spans.some(({ from, to }) =>
      from < to
        ? isOn(day) && minute >= from && minute < to
        : (isOn(day) && minute >= from) || (isOn(day - 1) && minute < to),
    );
  };
}
