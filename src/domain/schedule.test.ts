import { expect, test } from "bun:test";
import { type CatchUp, dueTicks, nextTicks, type Schedule, scheduleFault } from "./schedule.ts";

const at = (text: string): number => Date.parse(text);
const schedule = (cron: string, timezone = "UTC", catchUp: CatchUp = "skip"): Schedule => ({
  cron,
  timezone,
  payload: "{}",
  catchUp,
});
const shown = (ticks: readonly number[]): readonly string[] =>
  ticks.map((tick) => new Date(tick).toISOString().slice(0, 16));

test("the next ticks follow the zone's clock", () => {
  const daily = schedule("0 8 * * *", "Europe/Berlin");
  expect(shown(nextTicks(daily, at("2026-07-01T06:00:00Z"), 2))).toEqual([
    "2026-07-02T06:00",
    "2026-07-03T06:00",
  ]);
});

test("a tick in the hour that is left out in spring comes at its end, one that comes twice in autumn comes once", () => {
  const night = schedule("30 2 * * *", "Europe/Berlin");
  expect(shown(nextTicks(night, at("2026-03-28T12:00:00Z"), 2))).toEqual([
    "2026-03-29T01:00",
    "2026-03-30T00:30",
  ]);
  expect(shown(nextTicks(night, at("2026-10-24T12:00:00Z"), 2))).toEqual([
    "2026-10-25T00:30",
    "2026-10-26T01:30",
  ]);
});

test("every hour is every hour, also where the clock is set", () => {
  const hourly = schedule("0 * * * *", "Europe/Berlin");
  for (const day of ["2026-03-28T22:30:00Z", "2026-10-24T22:30:00Z"]) {
    const ticks = nextTicks(hourly, at(day), 6);
    expect(ticks.map((tick, n) => tick - (ticks[0] ?? 0) - n * 3_600_000)).toEqual([
      0, 0, 0, 0, 0, 0,
    ]);
  }
});

test.each([
  ["skip", []],
  ["once", ["2026-01-01T04:00"]],
  ["all", ["2026-01-01T01:00", "2026-01-01T02:00", "2026-01-01T03:00", "2026-01-01T04:00"]],
] as const)("of four missed ticks %s runs %p", (catchUp, run) => {
  const hourly = schedule("0 * * * *", "UTC", catchUp);
  const due = dueTicks(hourly, at("2026-01-01T00:00:00Z"), at("2026-01-01T04:30:00Z"));
  expect(shown(due.run)).toEqual([...run]);
  expect(shown([due.dealtWithMs])).toEqual(["2026-01-01T04:00"]);
});

test("a tick that is found in time runs whatever the rule, alone", () => {
  for (const catchUp of ["skip", "once"] as const) {
    const hourly = schedule("0 * * * *", "UTC", catchUp);
    const due = dueTicks(hourly, at("2026-01-01T00:00:00Z"), at("2026-01-01T04:00:10Z"));
    expect(shown(due.run)).toEqual(["2026-01-01T04:00"]);
  }
});

test("a clock that jumped back brings no tick twice", () => {
  const hourly = schedule("0 * * * *", "UTC", "all");
  const lastMs = at("2026-01-01T05:00:00Z");
  expect(dueTicks(hourly, lastMs, at("2026-01-01T03:00:10Z"))).toEqual({
    run: [],
    dealtWithMs: lastMs,
  });
});

test("after a jump of years the ticks of every second are bounded", () => {
  const secondly = schedule("* * * * * *", "UTC", "all");
  const due = dueTicks(secondly, at("2026-01-01T00:00:00Z"), at("2030-01-01T00:00:00Z"));
  expect(due.run).toHaveLength(1000);
});

test.each([
  ["61 * * * *", "UTC", /minute/],
  ["often", "UTC", /parts/],
  ["0 0 30 2 *", "UTC", /never/],
  ["0 8 * * *", "Mars/Base", /timezone/],
])("%s in %s is refused", (cron, timezone, why) => {
  expect(scheduleFault({ cron, timezone })).toMatch(why);
});
