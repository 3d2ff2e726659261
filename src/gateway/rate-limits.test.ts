import { expect, test } from "bun:test";
import { createVirtualClock } from "../base/clock.ts";
import type { ManifestRateLimit } from "../domain/rate-limit.ts";
import { testFunction, testPlan } from "../serving/plan-builder.harness.ts";
import { type Route, RouteTable } from "../serving/route-table.ts";
import { RateLimits } from "./rate-limits.ts";

const routes = new RouteTable(testPlan([testFunction({ name: "x" })]));
const route = routes.bySegment("x", undefined) as Route;

function counted(limit: ManifestRateLimit) {
  const clock = createVirtualClock();
  const limits = new RateLimits(clock);
  return { clock, ask: (client = "a") => limits.refusal(route, limit, client) === undefined };
}

test("any period holds at most twice the requests however they are spread, and all of them at a steady pace", async () => {
  const { clock, ask } = counted({ requests: 10, periodMs: 1000, by: "address" });
  let passed = 0;
  for (let i = 0; i < 1000; i++) {
    if (ask()) passed += 1;
    await clock.advance(10);
  }
  // Ten seconds of ten a second, and what was free at the beginning.
  expect(passed).toBeGreaterThanOrEqual(100);
  expect(passed).toBeLessThanOrEqual(110);
});

test("a million requests a period are counted without losing the last to rounding", () => {
  const { ask } = counted({ requests: 3000, periodMs: 1000, by: "address" });
  let passed = 0;
  for (let i = 0; i < 4000; i++) if (ask()) passed += 1;
  expect(passed).toBe(3000);
});

test("remembers ten thousand clients of a function and forgets the one seen longest ago", () => {
  const { ask } = counted({ requests: 2, periodMs: 60_000, by: "address" });
  for (let i = 0; i < 10_000; i++) expect(ask(`client ${i}`)).toBe(true);
  expect([ask("client 0"), ask("client 0")]).toEqual([true, false]);
  expect([ask("one more"), ask("client 0")]).toEqual([true, false]);
  // Client 1 was the oldest, so it begins anew, and takes the place of client 2.
  expect([ask("client 1"), ask("client 1"), ask("client 1")]).toEqual([true, true, false]);
  expect([ask("client 3"), ask("client 3")]).toEqual([true, false]);
});
