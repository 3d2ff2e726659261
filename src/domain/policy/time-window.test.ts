import { describe, expect, test } from "bun:test";
import type { Weekday } from "./policy-rule.ts";
import { compileTimeWindow, parseSpan } from "./time-window.ts";
import { isTimeZone, zonedTime } from "./zoned-time.ts";

function inside(
  at: string,
  window: { days?: readonly Weekday[]; hours?: readonly string[]; timezone?: string },
): boolean {
  const spans = window.hours?.map((text) => {
    const span = parseSpan(text);
    if (span === undefined) throw new Error(text);
    return span;
  });
  const { days, timezone = "UTC" } = window;
  return compileTimeWindow({ days, spans, timezone })(Date.parse(at));
}

describe("a time window", () => {
  const office = { hours: ["09:00-17:00"], days: ["mon", "tue"] as const };
  test.each([
    ["2026-11-23T08:59:59.999Z", false], // a Monday
    ["2026-11-23T09:00:00Z", true],
    ["2026-11-23T16:59:59.999Z", true],
    ["2026-11-23T17:00:00Z", false],
    ["2026-11-24T12:00:00Z", true],
    ["2026-11-25T12:00:00Z", false],
  ])("of hours and days at %s: %p", (at, holds) => expect(inside(at, office)).toBe(holds));

  const night = { hours: ["22:00-06:00"], days: ["fri"] as const };
  test.each([
    ["2026-11-27T21:59:00Z", false], // a Friday
    ["2026-11-27T22:00:00Z", true],
    ["2026-11-28T05:59:00Z", true], // Saturday morning belongs to Friday's night
    ["2026-11-28T06:00:00Z", false],
    ["2026-11-27T05:00:00Z", false], // Friday morning belongs to Thursday's
    ["2026-11-28T22:00:00Z", false],
  ])("across midnight at %s: %p", (at, holds) => expect(inside(at, night)).toBe(holds));

  const berlin = { hours: ["02:00-03:00"], timezone: "Europe/Berlin" };
  test.each([
    ["2026-03-29T00:59:59Z", false], // 01:59 local; then the clock goes to 03:00
    ["2026-03-29T01:00:00Z", false], // 03:00 local
    ["2026-10-25T00:00:00Z", true], // 02:00 local, the first time
    ["2026-10-25T01:00:00Z", true], // 02:00 local, the second time
    ["2026-10-25T01:59:59Z", true],
    ["2026-10-25T02:00:00Z", false], // 03:00 local
    ["2026-03-28T01:30:00Z", true],
    ["2026-07-01T00:30:00Z", true],
    ["2026-07-01T01:30:00Z", false],
  ])("where the clock is set at %s: %p", (at, holds) => expect(inside(at, berlin)).toBe(holds));

  test("of days alone follows the zone's date, not UTC's", () => {
    const kiritimati = { days: ["tue"] as const, timezone: "Pacific/Kiritimati" }; // UTC+14
    expect(inside("2026-11-23T10:00:00Z", kiritimati)).toBe(true);
    expect(inside("2026-11-23T09:59:59Z", kiritimati)).toBe(false);
  });

  test("may have several spans, and one up to the end of the day", () => {
    const spans = { hours: ["00:00-01:00", "23:30-24:00"] };
    const at = ["T00:30:00Z", "T12:00:00Z", "T23:59:59Z"].map((time) => `2026-11-23${time}`);
    expect(at.map((moment) => inside(moment, spans))).toEqual([true, false, true]);
  });
});

test.each(["9:00-17:00", "09:00-09:00", "24:00-01:00", "09:60-10:00", "09:00", "09:00-25:00", ""])(
  "%s is no span",
  (text) => expect(parseSpan(text)).toBeUndefined(),
);

test("the local time is the zone's own, minute by minute around a change", () => {
  const shown = (at: string, zone: string): string =>
    zonedTime(Date.parse(at), zone).toISOString().slice(0, 16);
  expect(shown("2026-03-29T00:59:00Z", "Europe/Berlin")).toBe("2026-03-29T01:59");
  expect(shown("2026-03-29T01:00:00Z", "Europe/Berlin")).toBe("2026-03-29T03:00");
  expect(shown("2026-06-01T00:00:00Z", "Asia/Kathmandu")).toBe("2026-06-01T05:45");
  expect(shown("2026-06-01T00:00:00Z", "America/New_York")).toBe("2026-05-31T20:00");
});

test.each(["Mars/Phobos", "", "europe berlin", "+02:00", "../etc/passwd", "__proto__"])(
  "%s is no time zone",
  (zone) => expect(isTimeZone(zone)).toBe(false),
);
