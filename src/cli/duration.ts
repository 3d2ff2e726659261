import { UsageError } from "./usage-error.ts";

const unitMs: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `90s`, `10m`, `2h` or `30d` in milliseconds; undefined when it is written otherwise. */
export function parseDurationMs(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const factor = unit === undefined ? undefined : unitMs[unit];
  return factor === undefined ? undefined : Number(count) * factor;
}

/** A moment as an ISO 8601 time, or as how far it lies from now: `10m` before, or after, `nowMs`. */
export function parseMoment(
  flag: string,
  text: string,
  options: { readonly nowMs: number; readonly direction: "before" | "after" },
): Date {
  const distanceMs = parseDurationMs(text);
  if (distanceMs !== undefined) {
    const { nowMs, direction } = options;
    return new Date(direction === "before" ? nowMs - distanceMs : nowMs + distanceMs);
  }
  const moment = new Date(text);
  if (/^\d{4}-\d{2}-\d{2}/.test(text) && !Number.isNaN(moment.getTime())) return moment;
  throw new UsageError(
    `${flag} is ${JSON.stringify(text)}, it must be a time such as 2026-11-21T08:00:00Z or a distance such as 90s, 10m, 2h or 30d`,
  );
}
