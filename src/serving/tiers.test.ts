import { describe, expect, test } from "bun:test";
import type { Tier } from "../domain/instance.ts";
import type { ProbeTable } from "../drivers/driver-table.ts";
import { testFunction, testPlan } from "./plan-builder.harness.ts";
import { ScriptedDriver } from "./scripted-driver.harness.ts";
import { ServingBench } from "./serving.harness.ts";
import { unservedFunctions } from "./unserved-functions.ts";

async function benchAt(tier: Tier): Promise<ServingBench> {
  const probe = { ...(await new ScriptedDriver().probe()), tier };
  const probes: ProbeTable = new Map([["bun/process", probe]]);
  return new ServingBench({}, probes);
}

describe("a promoted deployment that demands a tier", () => {
  test("is served where the machine gives it", async () => {
    const bench = await benchAt(1);
    bench.apply({ manifest: { minTier: 1 } });
    const { heard } = bench.ask();
    await bench.settle();
    expect(heard.outcome).toBe("200 ok");
  });

  test("answers 503 with the reason on a machine that gives less, and no instance starts", async () => {
    const bench = await benchAt(0);
    bench.apply({ manifest: { minTier: 1, concurrency: { minInstances: 1 } } });
    const { heard } = bench.ask();
    await bench.clock.advance(2000);
    expect(bench.driver.starts).toEqual([]);
    expect(heard.error).toMatchObject({
      code: "deployment_not_ready",
      status: 503,
      message:
        'Cannot run "hello@1": min_tier is 1 (sandbox), but "bun" functions at isolation "process" run at tier 0 (process) on this machine; set min_tier to at most 0, or: install bubblewrap',
      details: { function: "hello", deployment_id: "dep_hello_1", min_tier: 1, tier: 0 },
    });
  });

  test("answers 503 when nobody found out what the machine gives", async () => {
    const bench = new ServingBench();
    bench.apply({ manifest: { minTier: 1 } });
    const { heard } = bench.ask();
    await bench.settle();
    expect(heard.outcome).toBe("deployment_not_ready");
  });
});

test("unservedFunctions() names what an alias leads to and the machine may not run, once each", async () => {
  const probe = { ...(await new ScriptedDriver().probe()), tier: 1 as const };
  const both = {
    production: [[1, 100]],
    staging: [
      [1, 50],
      [2, 50],
    ],
  } as const;
  const plan = testPlan([
    testFunction({ name: "vault", revisions: [1, 2, 3], aliases: both, manifest: { minTier: 2 } }),
    testFunction({ name: "any" }),
    testFunction({ name: "met", manifest: { minTier: 1 } }),
  ]);
  expect(unservedFunctions(plan, new Map([["bun/process", probe]]))).toEqual(
    [1, 2].map((revision) =>
      expect.stringContaining(`FUNCTION default:vault@${revision} IS NOT SERVED: min_tier is 2`),
    ),
  );
});
