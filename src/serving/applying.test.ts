import { describe, expect, test } from "bun:test";
import type { ScriptedCall } from "./scripted-driver.harness.ts";
import { ServingBench, tally } from "./serving.harness.ts";

const both = { revisions: [1, 2] } as const;
const onOne = { ...both, aliases: { production: [[1, 100]] } } as const;
const onTwo = { ...both, aliases: { production: [[2, 100]] } } as const;

function revisionsServed(bench: ServingBench): number[] {
  return bench.driver.instances.map((instance) => instance.spec.revision);
}

describe("apply()", () => {
  test("after it returns no request reaches the old deployment, and what runs there finishes", async () => {
    const bench = new ServingBench();
    const calls: ScriptedCall[] = [];
    bench.driver.handler = (call) => void calls.push(call);
    bench.apply(onOne);
    const running = bench.ask();
    await bench.settle();
    bench.apply(onTwo);
    const after = bench.askMany(3);
    await bench.settle();
    expect(calls.map((call) => call.instance.spec.revision)).toEqual([1, 2, 2, 2]);
    expect(bench.driver.instances[0]?.stopOptions?.graceMs).toBe(60_000);
    expect(bench.serving.pools().map((pool) => pool.draining)).toEqual([false, true]);
    for (const call of calls) call.respond(200, [], "done");
    bench.driver.instances[0]?.die({ reason: "stopped" });
    await bench.settle();
    expect(tally([running, ...after])).toEqual({ "200 done": 4 });
    expect(bench.serving.pools().length).toBe(1);
  });

  test("those that waited for the old deployment go to the new one", async () => {
    const bench = new ServingBench();
    bench.driver.startsByItself = false;
    bench.apply(onOne);
    const asked = bench.askMany(3);
    await bench.settle();
    bench.driver.startsByItself = true;
    bench.apply(onTwo);
    await bench.settle();
    expect(bench.driver.starts[0]?.signal.aborted).toBe(true);
    expect(revisionsServed(bench)).toEqual([2]);
    expect(tally(asked)).toEqual({ "200 ok": 3 });
    expect(asked[0]?.invocation.target?.label).toBe("hello@2");
  });

  test("plans that change faster than instances start keep nobody waiting beyond twice the start time", async () => {
    const bench = new ServingBench({ startTimeoutMs: 1000 });
    bench.driver.startsByItself = false;
    bench.apply({ envVersion: 1 });
    const { heard } = bench.ask();
    for (let version = 2; version <= 30; version++) {
      await bench.clock.advance(100);
      bench.apply({ envVersion: version });
    }
    expect(heard.outcome).toContain("cold_start_failed");
    expect(bench.records.map((record) => record.status)).toEqual([503]);
  });

  test("plans that change faster than queue_ms keep nobody waiting for a slot beyond it", async () => {
    const bench = new ServingBench({ instancesMax: 1 });
    bench.driver.handler = () => undefined;
    const full = { manifest: { concurrency: { queueMs: 100, perInstance: 1 } } };
    bench.apply({ name: "other" }, { ...full, envVersion: 1 });
    bench.ask("other");
    await bench.settle();
    const { heard } = bench.ask();
    for (let version = 2; version <= 4; version++) {
      await bench.clock.advance(40);
      bench.apply({ name: "other" }, { ...full, envVersion: version });
    }
    await bench.clock.advance(10);
    expect(heard.outcome).toBe("too_many_requests");
  });

  test("a request that waits for a slot keeps its queue_ms when a new deployment has another", async () => {
    const bench = new ServingBench({ instancesMax: 1 });
    bench.driver.handler = () => undefined;
    const apply = (revision: number, queueMs: number): void => {
      const aliases = { production: [[revision, 100]] } as const;
      const manifest = { concurrency: { queueMs, perInstance: 1 } };
      bench.apply({ name: "other" }, { revisions: [revision], aliases, manifest });
    };
    apply(1, 100);
    bench.ask("other");
    await bench.settle();
    const { heard } = bench.ask();
    apply(2, 10);
    await bench.clock.advance(90);
    expect(heard.outcome).toBe("open");
    apply(3, 10_000);
    await bench.clock.advance(20);
    expect(heard.outcome).toBe("too_many_requests");
  });

  test("a route that was looked up before the swap is looked up again", async () => {
    const bench = new ServingBench();
    bench.apply(onOne);
    const route = bench.serving.routes.bySegment("hello", undefined);
    bench.apply(onTwo);
    if (typeof route === "string") throw new Error(route);
    const { heard } = bench.ask("hello", { route });
    await bench.settle();
    expect(heard.outcome).toBe("200 ok");
    expect(revisionsServed(bench)).toEqual([2]);
  });

  test("a new env version rolls the instances", async () => {
    const bench = new ServingBench();
    bench.apply({ env: { A: "old" } });
    bench.ask();
    await bench.settle();
    bench.apply({ env: { A: "new" }, envVersion: 2 });
    bench.ask();
    await bench.settle();
    expect(bench.driver.starts.map((start) => start.spec.env.A)).toEqual(["old", "new"]);
    expect(bench.driver.starts.map((start) => start.spec.shape)).toEqual(["fetch", "fetch"]);
    // The first request of what takes its place comes before its end.
    await bench.clock.advance(99);
    expect(bench.driver.instances[0]?.stopOptions).toBeUndefined();
    await bench.clock.advance(1);
    expect(bench.driver.instances[0]?.stopOptions?.graceMs).toBe(60_000);
  });

  test("idle instances make room at once when the fleet has none to spare", async () => {
    const bench = new ServingBench({ instancesMax: 1 });
    bench.apply({});
    bench.ask();
    await bench.settle();
    bench.apply({ envVersion: 2 });
    expect(bench.driver.instances[0]?.stopOptions?.graceMs).toBe(60_000);
  });

  test("a shutdown does not wait for idle instances to leave by themselves", async () => {
    const bench = new ServingBench();
    bench.apply({});
    bench.ask();
    await bench.settle();
    bench.apply({ envVersion: 2 });
    await bench.serving.shutdown(1000);
    expect(bench.driver.instances[0]?.stopOptions).toBeDefined();
  });

  test("a plan that changes nothing for a function leaves its instances alone", async () => {
    const bench = new ServingBench();
    bench.apply({});
    bench.ask();
    await bench.settle();
    bench.apply({}, { name: "other" });
    bench.ask();
    expect(bench.driver.starts.length).toBe(1);
    expect(bench.driver.instances[0]?.stopOptions).toBeUndefined();
  });

  test("disabling drains, and those who waited get function_disabled", async () => {
    const bench = new ServingBench();
    bench.driver.startsByItself = false;
    bench.apply({});
    const { heard } = bench.ask();
    bench.apply({ enabled: false });
    expect(heard.outcome).toBe("function_disabled");
    await bench.settle();
    expect(bench.serving.pools()).toEqual([]);
  });

  test("deleting drains, and those who waited get function_not_found", async () => {
    const bench = new ServingBench();
    bench.driver.startsByItself = false;
    bench.apply({});
    const { heard } = bench.ask();
    bench.apply();
    expect(heard.outcome).toBe("function_not_found");
  });

  test("deleting a worker ends its calls with the reason, those on an older revision too", async () => {
    const bench = new ServingBench();
    bench.driver.handler = () => undefined;
    const worker = { ...both, manifest: { runtime: "deno", isolation: "worker" } } as const;
    bench.apply({ ...worker, aliases: { production: [[1, 100]] } });
    const old = bench.ask();
    await bench.settle();
    bench.apply({ ...worker, aliases: { production: [[2, 100]] } });
    const running = bench.ask();
    await bench.settle();
    expect(tally([old, running])).toEqual({ open: 2 });
    bench.apply();
    await bench.settle();
    expect(tally([old, running])).toEqual({ runtime_error: 2 });
    expect(running.heard.error?.details["exit"]).toEqual({ reason: "stopped", because: "deleted" });
    expect(running.heard.error?.message).toContain("was stopped because the function was deleted");
    expect(bench.serving.pools()).toEqual([]);
  });

  test("a revision that no alias names gets its pool when it is called and keeps it over other changes", async () => {
    const bench = new ServingBench();
    bench.apply(onTwo);
    bench.ask("hello@1");
    await bench.settle();
    expect(revisionsServed(bench)).toEqual([1]);
    bench.apply(onTwo, { name: "other" });
    bench.ask("hello@1");
    expect(bench.driver.starts.length).toBe(1);
    expect(bench.driver.instances[0]?.stopOptions).toBeUndefined();
  });

  test("without a promoted deployment an invocation is refused with Retry-After", () => {
    const bench = new ServingBench();
    bench.apply({ aliases: {} });
    const { heard } = bench.ask();
    expect(heard.outcome).toBe("deployment_not_ready");
    expect(heard.error?.retryAfterSecs).toBe(1);
  });

  test("a runtime that this server does not run is a runtime_error", () => {
    const bench = new ServingBench();
    bench.apply({ manifest: { runtime: "python" } });
    expect(bench.ask().heard.outcome).toBe("runtime_error");
  });
});

describe("shutdown()", () => {
  test("lets running and waiting requests finish, refuses new ones, then stops every instance", async () => {
    const bench = new ServingBench();
    const calls: ScriptedCall[] = [];
    bench.driver.handler = (call) => void calls.push(call);
    bench.apply({ manifest: { concurrency: { perInstance: 1, maxInstances: 1, queueMs: 5000 } } });
    const asked = bench.askMany(2);
    await bench.settle();
    let over = false;
    const shutdown = bench.serving.shutdown(10_000).then(() => {
      over = true;
      return over;
    });
    expect(bench.ask().heard.outcome).toBe("deployment_not_ready");
    calls[0]?.respond(200, [], "ok");
    await bench.settle();
    expect(over).toBe(false);
    calls[1]?.respond(200, [], "ok");
    await shutdown;
    expect(tally(asked)).toEqual({ "200 ok": 2 });
    expect(bench.driver.instances[0]?.stopOptions).toBeDefined();
    expect(bench.serving.pools()).toEqual([]);
  });

  test("cuts what still runs after the grace", async () => {
    const bench = new ServingBench();
    bench.driver.handler = () => {};
    bench.apply({});
    const { heard } = bench.ask();
    await bench.settle();
    const shutdown = bench.serving.shutdown(1000);
    await bench.clock.advance(999);
    expect(heard.outcome).toBe("open");
    await bench.clock.advance(2);
    await shutdown;
    expect(heard.outcome).toBe("runtime_error");
  });

  test("stops starts that are under way", async () => {
    const bench = new ServingBench();
    bench.driver.startsByItself = false;
    bench.apply({});
    const { heard } = bench.ask();
    await bench.settle();
    const shutdown = bench.serving.shutdown(10);
    await bench.clock.advance(20);
    await shutdown;
    expect(heard.outcome).toBe("runtime_error");
    expect(bench.driver.starts[0]?.signal.aborted).toBe(true);
  });
});
