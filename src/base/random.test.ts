import { expect, test } from "bun:test";
import { createSeededRandom, systemRandom } from "./random.ts";

for (const [name, random] of [
  ["the system's randomness", systemRandom],
  ["seeded randomness", createSeededRandom(42)],
] as const) {
  test(`${name} fills [0, 2^32) evenly enough for every byte to appear`, () => {
    const buckets = new Uint32Array(256);
    for (let i = 0; i < 25_600; i++) {
      const value = random.uint32();
      expect(Number.isInteger(value) && value >= 0 && value < 2 ** 32).toBe(true);
      buckets[value >>> 24] = (buckets[value >>> 24] ?? 0) + 1;
    }
    expect(Math.min(...buckets)).toBeGreaterThan(40);
    expect(Math.max(...buckets)).toBeLessThan(200);
  });

  test(`${name} gives as many bytes as asked, and others each time`, () => {
    expect(random.bytes(0)).toHaveLength(0);
    const [first, second] = [random.bytes(32), random.bytes(32)];
    expect(first).toHaveLength(32);
    expect(Buffer.from(first).equals(second)).toBe(false);
  });
}

test("the same seed gives the same numbers", () => {
  const [first, second] = [createSeededRandom(9), createSeededRandom(9)];
  const draw = (random: typeof first): number[] =>
    Array.from({ length: 100 }, () => random.uint32());
  expect(draw(first)).toEqual(draw(second));
});
