const minuteMs = 60_000;
/** Zones whose offset is kept; there are about 450. */
const zonesMax = 600;

interface KnownOffset {
  readonly format: Intl.DateTimeFormat;
  minute: number;
  offsetMs: number;
}

const offsets = new Map<string, KnownOffset>();

/** Whether the engine knows the IANA name. */
export function isTimeZone(zone: string): boolean {
  if (zone !== "UTC" && !/^[A-Z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+){1,2}$/.test(zone))
    return false;
  try {
    formatOf(zone);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/**
 * The wall clock of a zone at a moment, as a Date whose UTC fields are the local ones. The offset is
 * looked up once a minute: no zone changes it in the middle of one.
 */
export function zonedTime(nowMs: number, zone: string): Date {
  const minute = Math.floor(nowMs / minuteMs);
  let known = offsets.get(zone);
  if (known === undefined) {
    known = { format: formatOf(zone), minute: Number.NaN, offsetMs: 0 };
    if (offsets.size >= zonesMax) offsets.clear();
    offsets.set(zone, known);
  }
  if (known.minute !== minute) {
    known.offsetMs = localMs(known.format, minute * minuteMs) - minute * minuteMs;
    known.minute = minute;
  }
  return new Date(nowMs + known.offsetMs);
}

function formatOf(zone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    calendar: "gregory",
    numberingSystem: "latn",
    hourCycle: "h23",
    era: "short",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
}

function localMs(format: Intl.DateTimeFormat, atMs: number): number {
  const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, value]));
  const field = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.get(type));
  const year = parts.get("era") === "BC" ? 1 - field("year") : field("year");
  const local = new Date(0);
  local.setUTCFullYear(year, field("month") - 1, field("day"));
  local.setUTCHours(field("hour"), field("minute"), field("second"));
  return local.getTime();
}
