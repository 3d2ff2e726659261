import { describe, expect, test } from "bun:test";
import type { FunctionRecord } from "../domain/function.ts";
import { createMaterializer } from "./create-materializer.ts";
import { testFunction, testManifest } from "./plan-builder.harness.ts";
import type { ScriptedInstance } from "./scripted-driver.harness.ts";
import { ServingBench } from "./serving.harness.ts";

const env = { A: "1" };
const secrets = { S: "s" };

/** Serving, and what proves a deployment `dep_{name}_1` for it before the plan shows it. */
async function open() {
  const bench = new ServingBench();
  const materializer = createMaterializer({
    drivers: new Map([["bun/process", bench.driver]]),
    probes: new Map([["bun/process", await bench.driver.probe()]]),
    startTimeoutMs: 1000,
    clock: bench.clock,
    proved: bench.serving.proved,
    onLog: (line) => void bench.lines.push(line),
  });
  const prove = async (name = "hello", promotes = true): Promise<ScriptedInstance> => {
    const owner = { id: `fn_${name}`, projectId: "default", name } as FunctionRecord;
    await materializer.materialize(
      {
        function: owner,
        deploymentId: `dep_${name}_1`,
        revision: 1,
        manifest: testManifest(),
        artifact: { deploymentId: `dep_${name}_1`, entrypoint: "index.ts", code: Buffer.from("") },
        env: { version: 1, env, secrets },
        promotes,
      },
      new AbortController().signal,
    );
    return bench.driver.instances.at(-1) as ScriptedInstance;
  };
  return { bench, prove };
}

describe("the instance that proved a deployment which is promoted", () => {
  test("serves its first request, and later ones, in place of another start", async () => {
    const { bench, prove } = await open();
    const proved = await prove();
    bench.apply({ env, secrets });
    for (let asked = 0; asked < 2; asked++) {
      bench.ask();
      await bench.settle();
    }
    expect([bench.driver.instances.length, proved.served]).toEqual([1, 2]);
    expect(bench.records.map(({ cold, status }) => [cold, status])).toEqual([
      [true, 200],
      [false, 200],
    ]);
    await bench.clock.advance(10_000);
    expect(proved.stopOptions).toBeUndefined();
  });

  test("is heard by serving from then on: its lines are masked, its denied connections counted", async () => {
    const { bench, prove } = await open();
    const proved = await prove();
    bench.serving.logMasks.add("fn_hello", ["open sesame"]);
    bench.apply({ env, secrets });
    bench.ask();
    await bench.settle();
    const line = { functionId: "fn_hello", deploymentId: "dep_hello_1", atMs: 0 };
    const facts = { level: "info", source: "log", invocationId: undefined, requestId: undefined };
    proved.spec.onLog({ ...line, ...facts, message: "open sesame" } as never);
    expect(bench.lines.at(-1)?.message).not.toContain("sesame");
    proved.spec.onEgressDenied?.({ host: "a.test", port: 1, reason: "not_allowed" } as never);
    const [meter] = bench.serving.meters();
    expect([...(meter?.egressDenials.byReason ?? [])].length).toBe(1);
  });

  test("is not kept when the deployment is not promoted", async () => {
    const { prove } = await open();
    expect((await prove("hello", false)).stopOptions).toEqual({ graceMs: 0 });
  });

  for (const [what, changes] of [
    ["variable", { env: { A: "2" }, secrets }],
    ["secret", { env, secrets: { S: "t" } }],
    ["set of keys", { env: {}, secrets }],
    ["set of keys of the same number", { env: { B: "1" }, secrets }],
  ] as const) {
    test(`does not serve with another ${what} than it was given`, async () => {
      const { bench, prove } = await open();
      const proved = await prove();
      bench.apply(changes);
      bench.ask();
      await bench.settle();
      expect(proved.stopOptions).toEqual({ graceMs: 0 });
      expect([bench.driver.instances.length, proved.served]).toEqual([2, 0]);
    });
  }

  test("is stopped when nobody asks for it within five seconds", async () => {
    const { bench, prove } = await open();
    const proved = await prove();
    bench.apply({ env, secrets });
    await bench.clock.advance(4999);
    expect(proved.stopOptions).toBeUndefined();
    await bench.clock.advance(1);
    expect(proved.stopOptions).toEqual({ graceMs: 0 });
    bench.ask();
    await bench.settle();
    expect(bench.driver.instances.length).toBe(2);
  });

  test("is stopped when another deployment is promoted, or the function goes", async () => {
    for (const next of [[testFunction({ env, secrets, revisions: [2] })], []]) {
      const { bench, prove } = await open();
      const proved = await prove();
      bench.apply({ name: "other" });
      expect(proved.stopOptions).toBeUndefined();
      bench.apply({ env, secrets });
      expect(proved.stopOptions).toBeUndefined();
      bench.apply(...next);
      expect(proved.stopOptions).toEqual({ graceMs: 0 });
    }
  });

  test("is forgotten when it ends by itself", async () => {
    const { bench, prove } = await open();
    (await prove()).die({ reason: "exited", code: 1 });
    bench.apply({ env, secrets });
    await bench.settle();
    bench.ask();
    await bench.settle();
    expect(bench.records.map(({ status }) => status)).toEqual([200]);
    expect(bench.driver.instances.length).toBe(2);
  });

  test("is one of eight at most: the oldest goes", async () => {
    const { prove } = await open();
    const proved: ScriptedInstance[] = [];
    for (let i = 0; i < 9; i++) proved.push(await prove(`f${i}`));
    expect(proved.map(({ stopOptions }) => stopOptions === undefined)).toEqual([
      false,
      ...Array.from({ length: 8 }, () => true),
    ]);
  });

  test("ends with serving, and none is kept from then on", async () => {
    const { bench, prove } = await open();
    const proved = await prove();
    await bench.serving.shutdown(0);
    expect(proved.stopOptions).toEqual({ graceMs: 0 });
    expect((await prove("late")).stopOptions).toEqual({ graceMs: 0 });
  });
});
