import { expect, test } from "bun:test";
import { Follower } from "./follower.ts";
import { defaultJournalLimits } from "./journal-limits.ts";
import { aLine } from "./testing/journal-records.ts";

const limits = { ...defaultJournalLimits, followerLinesMax: 50, followerBytesMax: 10_000 };

/** How many of the lines it keeps for somebody who does not ask. */
function kept(messages: readonly string[]): number {
  const follower = new Follower({ functionId: "fn_1" }, limits);
  follower.goLive(0);
  for (const [at, message] of messages.entries()) {
    follower.offer([{ ...aLine({ message }), seq: at + 1 }]);
  }
  let lines = 0;
  while (follower.shift() !== undefined) lines += 1;
  expect(follower.mustRead).toBe(lines < messages.length);
  expect(follower.coveredSeq).toBe(lines);
  return lines;
}

test("who does not ask has so many bytes and lines kept in memory at most, and reads the files then", () => {
  expect(kept(Array.from({ length: 1000 }, () => "x".repeat(1000)))).toBe(10);
  expect(kept(Array.from({ length: 1000 }, () => "x"))).toBe(50);
  expect(kept(["x".repeat(10_001)])).toBe(0);
  expect(kept(["x".repeat(5000), "y".repeat(5000)])).toBe(2);
});
