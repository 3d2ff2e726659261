import { expect, test } from "bun:test";
import { createSeededRandom } from "../../base/random.ts";
import { type AttemptEnd, endOfAttempt } from "./end-of-attempt.ts";

const nowMs = 1_000_000;
const facts = {
  retry: { attemptsMax: 3, backoffMsMin: 1000, backoffMsMax: 1500 },
  tries: 1,
  nowMs,
  expiresAtMs: nowMs + 60_000,
};
const judge = (end: AttemptEnd, change: Partial<typeof facts> = {}) =>
  endOfAttempt({ ...facts, ...change, end, random: createSeededRandom(1) });

test.each([
  [200, "succeeded"],
  [304, "succeeded"],
  [399, "succeeded"],
  [400, "failed"],
  [404, "failed"],
  [408, "queued"],
  [425, "queued"],
  [429, "queued"],
  [500, "queued"],
  [503, "queued"],
])("an answer with %d is %s", (status, state) => {
  expect(judge({ kind: "answered", status }).state).toBe(state as "queued");
});

test.each([
  ["function_error", true],
  ["function_crashed", true],
  ["function_timeout", true],
  ["cold_start_failed", true],
  ["policy_denied", true],
  ["too_many_requests", false],
  ["function_disabled", false],
  ["deployment_not_ready", false],
  ["alias_not_found", false],
] as const)("%s is tried again, and counts as an attempt: %p", (code, counts) => {
  expect(judge({ kind: "failed", code })).toMatchObject({ state: "queued", counts });
  const last = judge({ kind: "failed", code }, { tries: 3 });
  expect(last.state).toBe(counts ? "dead" : "queued");
});

test("a deleted function makes it dead at once", () => {
  expect(judge({ kind: "failed", code: "function_not_found" })).toEqual({ state: "dead" });
});

test("the wait doubles up to its ceiling, and a retry beyond the last moment is none", () => {
  for (const [tries, ceilingMs] of [
    [1, 1000],
    [2, 1500],
  ] as const) {
    const verdict = judge({ kind: "answered", status: 500 }, { tries });
    const waitMs = verdict.state === "queued" ? verdict.dueAtMs - nowMs : 0;
    expect(waitMs).toBeGreaterThanOrEqual(ceilingMs / 2);
    expect(waitMs).toBeLessThanOrEqual(ceilingMs);
  }
  const late = judge({ kind: "answered", status: 500 }, { expiresAtMs: nowMs + 10 });
  expect(late).toEqual({ state: "dead" });
});
