import { expect, test } from "bun:test";
import type { Clock } from "./clock.ts";
import { createVirtualClock, systemClock } from "./clock.ts";
import { createIds } from "./ids.ts";
import { createSeededRandom, type Random, systemRandom } from "./random.ts";

const pattern = /^dep_[0-9a-hjkmnp-tv-z]{26}$/;

/** A clock whose wall time the test sets. */
function settable(startMs: number): Clock & { ms: number } {
  const clock = { ...createVirtualClock(), ms: startMs, now: () => clock.ms };
  return clock;
}

test("an id is the prefix, an underscore and 26 characters of Crockford's alphabet", () => {
  const ids = createIds(systemClock, systemRandom);
  expect(ids.next("dep")).toMatch(pattern);
});

test("100,000 ids made as fast as possible are all different and sort as they were made", () => {
  const ids = createIds(systemClock, systemRandom);
  const made = Array.from({ length: 100_000 }, () => ids.next("dep"));
  expect(new Set(made).size).toBe(made.length);
  expect(made.every((id, i) => i === 0 || (made[i - 1] ?? "") < id)).toBe(true);
});

test("ids of later milliseconds sort after those of earlier ones", () => {
  const clock = settable(1_700_000_000_000);
  const ids = createIds(clock, createSeededRandom(1));
  let last = "";
  for (let i = 0; i < 1000; i++) {
    clock.ms += i % 3;
    const id = ids.next("inv");
    expect(id > last).toBe(true);
    last = id;
  }
});

test("ids keep rising when the wall clock jumps back", () => {
  const clock = settable(1_700_000_000_000);
  const ids = createIds(clock, createSeededRandom(2));
  let last = ids.next("inv");
  for (const jumpMs of [-1, -60_000, -86_400_000, 5, 86_400_000, -3]) {
    clock.ms += jumpMs;
    for (let i = 0; i < 10; i++) {
      const id = ids.next("inv");
      expect(id > last).toBe(true);
      last = id;
    }
  }
});

test("ids keep rising within a millisecond when the low part starts at its highest", () => {
  const highest: Random = { uint32: () => 0xffffffff, bytes: (count) => new Uint8Array(count) };
  const ids = createIds(settable(1), highest);
  const made = Array.from({ length: 1000 }, () => ids.next("inv"));
  expect([...made].sort()).toEqual(made);
  expect(new Set(made).size).toBe(made.length);
});

test("the time part reads back as the clock's milliseconds", () => {
  const ms = 1_764_000_123_456;
  const id = createIds(settable(ms), createSeededRandom(3)).next("fn");
  const alphabet = "0123456789abcdefghjkmnpqrstvwxyz";
  const digits = id
    .slice(3, 13)
    .split("")
    .map((digit) => alphabet.indexOf(digit));
  expect(digits.reduce((sum, digit) => sum * 32 + digit, 0)).toBe(ms);
});

test("two sources do not make the same ids", () => {
  const clock = settable(1_700_000_000_000);
  const first = createIds(clock, systemRandom);
  const second = createIds(clock, systemRandom);
  const made = Array.from({ length: 1000 }, () => [first.next("a"), second.next("a")]).flat();
  expect(new Set(made).size).toBe(2000);
});
