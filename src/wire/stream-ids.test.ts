import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { isUsedStreamId, nextStreamId } from "./stream-ids.ts";

const idsMax = 2 ** 32;
const anyId = fc.integer({ min: 1, max: idsMax - 1 });

test("the next id keeps its side's parity and is never 0", () => {
  fc.assert(
    fc.property(anyId, (id) => {
      const next = nextStreamId(id);
      expect(next % 2).toBe(id % 2);
      expect(next).toBeGreaterThan(0);
      expect(next).toBeLessThan(idsMax);
    }),
  );
});

test("ids start over at the first of their side", () => {
  expect(nextStreamId(idsMax - 1)).toBe(1);
  expect(nextStreamId(idsMax - 2)).toBe(2);
});

test("an id is used up to the last one and fresh after it, across the wrap too", () => {
  fc.assert(
    fc.property(anyId, fc.integer({ min: 1, max: 1000 }), (start, steps) => {
      let last = start;
      for (let step = 0; step < steps; step++) last = nextStreamId(last);
      expect(isUsedStreamId(start, last)).toBe(true);
      expect(isUsedStreamId(last, last)).toBe(true);
      expect(isUsedStreamId(nextStreamId(last), last)).toBe(false);
    }),
  );
});

test("before the first stream of a side nothing is used", () => {
  expect(isUsedStreamId(1, 0)).toBe(false);
  expect(isUsedStreamId(2, 0)).toBe(false);
});
