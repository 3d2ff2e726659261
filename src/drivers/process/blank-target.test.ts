import { describe, expect, test } from "bun:test";
import { blankTarget } from "./blank-target.ts";

describe("blankTarget()", () => {
  test.each([
    ["nothing was asked for", { kept: 4, max: 64 }, { current: 0, previous: 0 }, 4],
    ["less was asked for than is kept", { kept: 4, max: 64 }, { current: 3, previous: 1 }, 4],
    ["this window was busy", { kept: 4, max: 64 }, { current: 20, previous: 2 }, 20],
    ["the window before was busier", { kept: 4, max: 64 }, { current: 2, previous: 30 }, 30],
    ["more was asked for than fits", { kept: 4, max: 64 }, { current: 300, previous: 0 }, 64],
    ["the pool is switched off", { kept: 0, max: 64 }, { current: 300, previous: 300 }, 0],
    ["what is kept exceeds the maximum", { kept: 8, max: 2 }, { current: 5, previous: 0 }, 8],
  ])("when %s", (_when, bounds, demand, target) => {
    expect(blankTarget(bounds, demand)).toBe(target);
  });
});
