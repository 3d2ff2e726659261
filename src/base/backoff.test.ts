import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { backoffMs } from "./backoff.ts";
import { createSeededRandom, type Random } from "./random.ts";

const options = { firstMs: 100, maxMs: 10_000, factor: 2 };
const fixed = (value: number): Random => ({ uint32: () => value, bytes: () => new Uint8Array() });

test("a wait is between half the ceiling and the ceiling of its attempt", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2000 }), fc.integer(), (attempt, seed) => {
      const ceiling = Math.min(options.maxMs, options.firstMs * 2 ** attempt);
      const wait = backoffMs(attempt, options, createSeededRandom(seed));
      expect(wait).toBeGreaterThanOrEqual(Math.floor(ceiling / 2));
      expect(wait).toBeLessThanOrEqual(ceiling);
      expect(Number.isInteger(wait)).toBe(true);
    }),
  );
});

test("waits double from attempt to attempt up to the maximum", () => {
  const waits = [0, 1, 2, 3, 10, 1000].map((attempt) => backoffMs(attempt, options, fixed(0)));
  expect(waits).toEqual([50, 100, 200, 400, 5000, 5000]);
});

test("the jitter spreads waits of the same attempt", () => {
  const random = createSeededRandom(7);
  const waits = new Set(Array.from({ length: 100 }, () => backoffMs(6, options, random)));
  expect(waits.size).toBeGreaterThan(80);
});
