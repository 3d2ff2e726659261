import { describe, expect, test } from "bun:test";
import type { Tier } from "../../../domain/instance.ts";
import type { Observation, Probe } from "./probe.ts";
import type { RuntimePromise } from "./runtime-promise.ts";
import { failed, judge, overallCode } from "./verdict.ts";

const never: Probe["run"] = () => Promise.reject(new Error("not run here"));
const probe: Probe = { name: "files", tries: "reads files", tier: 1, run: never };

function promise(tier: Tier, more: Partial<RuntimePromise> = {}): RuntimePromise {
  const enforces = { memory: "watchdog", cpu: "none", processes: "none" } as const;
  return { runtime: "bun", version: "1.4.5", tier, enforces, remedies: [], ...more };
}

const held: Observation = { held: true, found: "none of 3" };
const lost: Observation = { held: false, found: "1 of 3" };

describe("judge()", () => {
  test("a limit that stood is held, whatever the tier promises", () => {
    for (const tier of [0, 1, 2, 3] as const) {
      expect(judge(probe, promise(tier), held)).toMatchObject({
        outcome: "held",
        exit_code: 0,
        remedy: null,
      });
    }
  });

  test("a limit that did not stand is broken from the tier on that promises it", () => {
    for (const tier of [1, 2, 3] as const) {
      const verdict = judge(probe, promise(tier), lost);
      expect(verdict).toMatchObject({ outcome: "broken", exit_code: 1, found: "1 of 3" });
      expect(verdict.remedy).toContain("do not run code");
    }
  });

  test("below that tier it is not held, which is no success, with the driver's remedy", () => {
    const verdict = judge(probe, promise(0, { remedies: ["Install bubblewrap"] }), lost);
    expect(verdict).toMatchObject({
      outcome: "not_held",
      exit_code: 3,
      found: "1 of 3; tier 0 (process) does not promise it",
      remedy: "Install bubblewrap",
    });
  });

  test("without a driver's remedy it names what gives the tier", () => {
    const forks: Probe = { ...probe, tier: 2 };
    expect(judge(forks, promise(1), lost).remedy).toContain("control groups");
  });

  test("a limit that the runtime does not enforce is not promised at any tier", () => {
    const share: Probe = { ...probe, tier: 0, limit: "cpu" };
    expect(judge(share, promise(2), lost)).toMatchObject({ outcome: "not_held", exit_code: 3 });
    const memory: Probe = { ...probe, tier: 0, limit: "memory" };
    expect(judge(memory, promise(0), lost)).toMatchObject({ outcome: "broken", exit_code: 1 });
  });

  test("what cannot be tried here is no success, and says why", () => {
    expect(judge(probe, promise(1), { untried: "no program" })).toMatchObject({
      outcome: "untried",
      exit_code: 3,
      found: "no program",
    });
  });
});

test("a probe that went wrong counts as much as a limit that broke", () => {
  expect(failed(probe, promise(1), "no answer")).toMatchObject({
    outcome: "failed",
    exit_code: 1,
    found: "the probe went wrong: no answer",
  });
});

test("overallCode() is the worst: broken before not promised before held", () => {
  const good = judge(probe, promise(1), held);
  const weak = judge(probe, promise(0), lost);
  const bad = judge(probe, promise(1), lost);
  expect(overallCode([good])).toBe(0);
  expect(overallCode([good, weak])).toBe(3);
  expect(overallCode([good, weak, bad])).toBe(1);
});
