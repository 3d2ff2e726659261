import { expect, test } from "bun:test";
import { releasedBytesMin, releaseMemory } from "./release-memory.ts";

test("a large chunk that has its memory for itself is empty afterwards", () => {
  const chunk = Buffer.allocUnsafeSlow(releasedBytesMin);
  const view = chunk.subarray(10);
  releaseMemory(chunk);
  expect([chunk.length, view.length]).toEqual([0, 0]);
});

test("a small chunk, and one that shares its memory, stay as they are", () => {
  const small = Buffer.alloc(releasedBytesMin - 1, "s");
  const whole = Buffer.alloc(2 * releasedBytesMin, "w");
  const shared = whole.subarray(0, releasedBytesMin + 1);
  const pooled = Buffer.from("pooled");
  for (const chunk of [small, shared, pooled]) {
    const before = Buffer.from(chunk);
    releaseMemory(chunk);
    expect(chunk.equals(before)).toBe(true);
  }
  expect(whole.length).toBe(2 * releasedBytesMin);
});
