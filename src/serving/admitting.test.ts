import { describe, expect, test } from "bun:test";
import type { ScriptedCall } from "./scripted-driver.harness.ts";
import { ServingBench, tally } from "./serving.harness.ts";

/** A bench whose calls stay open until the test answers them. */
function openBench(concurrency: Record<string, number>): {
  bench: ServingBench;
  calls: ScriptedCall[];
} {
  const bench = new ServingBench();
  const calls: ScriptedCall[] = [];
  bench.driver.handler = (call) => void calls.push(call);
  bench.apply({ manifest: { concurrency } });
  return { bench, calls };
}

describe("starting instances", () => {
  test("n first requests start ceil(n / per_instance) instances, not n", async () => {
    const { bench } = openBench({ perInstance: 10, maxInstances: 8, maxConcurrency: 100 });
    bench.driver.startsByItself = false;
    bench.askMany(25);
    await bench.settle();
    expect(bench.driver.starts.length).toBe(3);
  });

  test("a burst is served by the instances it started, each request cold", async () => {
    const { bench, calls } = openBench({ perInstance: 10, maxInstances: 8, maxConcurrency: 100 });
    const asked = bench.askMany(25);
    await bench.settle();
    expect(bench.driver.instances.map((instance) => instance.served)).toEqual([10, 10, 5]);
    for (const call of calls) call.respond(200, [], "ok");
    expect(tally(asked)).toEqual({ "200 ok": 25 });
    expect(asked.every(({ invocation }) => invocation.cold)).toBe(true);
  });

  test("no more than max_instances start, and the rest of a burst queues", async () => {
    const { bench, calls } = openBench({ perInstance: 2, maxInstances: 2, maxConcurrency: 100 });
    const asked = bench.askMany(6);
    await bench.settle();
    expect(bench.driver.starts.length).toBe(2);
    expect(calls.length).toBe(4);
    for (const call of calls.slice(0, 2)) call.respond(200, [], "ok");
    expect(calls.length).toBe(6);
    expect(asked[4]?.invocation.cold).toBe(false);
  });

  test("a warm request runs before invoke returns and is not cold", async () => {
    const { bench, calls } = openBench({});
    bench.ask();
    await bench.settle();
    const { invocation } = bench.ask();
    expect(calls.length).toBe(2);
    expect(invocation.cold).toBe(false);
    expect(invocation.startMs).toBe(0);
  });

  test("the least-loaded instance is chosen", async () => {
    const { bench, calls } = openBench({ perInstance: 2, maxInstances: 2, maxConcurrency: 100 });
    bench.askMany(4);
    await bench.settle();
    const [first, second] = bench.driver.instances;
    calls.find((call) => call.instance === second)?.respond(200, [], "");
    bench.ask();
    expect([first?.calls.size, second?.calls.size]).toEqual([2, 2]);
  });

  test("the instance gets the declared env and secrets only", async () => {
    const bench = new ServingBench();
    bench.apply({
      env: { A: "1", B: "2" },
      secrets: { S: "s", T: "t" },
      manifest: { envKeys: ["A"], secretKeys: [] },
    });
    bench.ask();
    await bench.settle();
    expect(bench.driver.starts[0]?.spec.env).toEqual({ A: "1" });
    expect(bench.driver.starts[0]?.spec.secrets).toEqual({});
    expect(Buffer.from(bench.driver.starts[0]?.artifact.code ?? []).toString()).toBe(
      "blob_hello_1",
    );
  });
});

describe("queueing", () => {
  test("a request beyond the concurrency waits at most queue_ms, then gets 429", async () => {
    const { bench } = openBench({ perInstance: 1, maxInstances: 1, queueMs: 100 });
    bench.ask();
    await bench.settle();
    const { heard } = bench.ask();
    await bench.clock.advance(75);
    expect(heard.outcome).toBe("open");
    await bench.clock.advance(50);
    expect(heard.outcome).toBe("too_many_requests");
    expect(heard.error?.retryAfterSecs).toBe(1);
    expect(heard.error?.details).toMatchObject({ queue_ms: 100, per_instance: 1 });
  });

  test("a slot that comes free in time serves the one that waited longest", async () => {
    const { bench, calls } = openBench({ perInstance: 1, maxInstances: 1, queueMs: 100 });
    bench.ask();
    await bench.settle();
    const [second, third] = bench.askMany(2);
    await bench.clock.advance(50);
    calls[0]?.respond(200, [], "ok");
    expect(calls.length).toBe(2);
    calls[1]?.respond(200, [], "second");
    expect(second?.heard.outcome).toBe("200 second");
    expect(second?.invocation.queueMs).toBe(50);
    expect(third?.heard.outcome).toBe("open");
  });

  test("without queue_ms a request beyond the concurrency is refused at once", async () => {
    const { bench } = openBench({ perInstance: 1, maxInstances: 1, queueMs: 0 });
    bench.ask();
    await bench.settle();
    expect(bench.ask().heard.outcome).toBe("too_many_requests");
  });

  test("max_concurrency holds over all instances", async () => {
    const { bench, calls } = openBench({ perInstance: 2, maxInstances: 4, maxConcurrency: 3 });
    bench.askMany(5);
    await bench.settle();
    expect(calls.length).toBe(3);
    expect(bench.driver.starts.length).toBe(2);
    calls[0]?.respond(200, [], "");
    expect(calls.length).toBe(4);
  });

  test("the number of those who wait is bounded", async () => {
    const bench = new ServingBench({ queuedMax: 3 });
    bench.driver.startsByItself = false;
    bench.apply({});
    expect(tally(bench.askMany(5))).toEqual({ open: 3, too_many_requests: 2 });
  });

  test("a client that leaves while it waits is taken out of the queue and costs no slot", async () => {
    const { bench, calls } = openBench({ perInstance: 1, maxInstances: 1, queueMs: 1000 });
    bench.ask();
    await bench.settle();
    const left = bench.ask();
    const stays = bench.ask();
    left.invocation.cancel("client disconnected");
    calls[0]?.respond(200, [], "");
    calls[1]?.respond(200, [], "stays");
    expect(calls.length).toBe(2);
    expect(stays.heard.outcome).toBe("200 stays");
    expect(left.heard.outcome).toBe("open");
    expect(bench.records.find((record) => record.id === left.invocation.invocationId)?.status).toBe(
      499,
    );
  });

  test("waiting for a start is bounded by the start, not by queue_ms", async () => {
    const { bench, calls } = openBench({ queueMs: 100 });
    bench.driver.startsByItself = false;
    const { heard } = bench.ask();
    await bench.clock.advance(5000);
    expect(heard.outcome).toBe("open");
    bench.driver.starts[0]?.succeed();
    await bench.settle();
    calls[0]?.respond(200, [], "late");
    expect(heard.outcome).toBe("200 late");
  });
});

describe("starts that fail", () => {
  test("everyone who waits for the start gets cold_start_failed with the log and the typed exit", async () => {
    const { bench } = openBench({});
    bench.driver.startsByItself = false;
    const asked = bench.askMany(3);
    await bench.settle();
    bench.driver.starts[0]?.fail({ reason: "load_failed", message: "no export" }, "boom at line 3");
    await bench.settle();
    expect(tally(asked)).toEqual({ cold_start_failed: 3 });
    expect(asked[0]?.heard.error?.details).toMatchObject({
      log: "boom at line 3",
      exit: { reason: "load_failed", message: "no export" },
    });
    expect(bench.lines.some((line) => line.message.includes("load_failed"))).toBe(true);
  });

  test("a start that is never ready fails within the start timeout", async () => {
    const bench = new ServingBench({ startTimeoutMs: 2000 });
    bench.driver.startsByItself = false;
    bench.apply({});
    const { heard } = bench.ask();
    await bench.clock.advance(3100);
    expect(heard.outcome).toBe("cold_start_failed");
    expect(heard.error?.details.exit).toEqual({ reason: "start_timeout", limit_ms: 2000 });
    expect(bench.driver.starts[0]?.signal.aborted).toBe(true);
  });

  test("a crash loop backs off, says so, and tries again later", async () => {
    const { bench } = openBench({});
    bench.driver.startFailure = { exit: { reason: "exited", code: 1 }, log: "" };
    for (let i = 0; i < 3; i++) {
      bench.ask();
      await bench.settle();
    }
    expect(bench.driver.starts.length).toBe(3);
    const { heard } = bench.ask();
    await bench.settle();
    expect(bench.driver.starts.length).toBe(3);
    expect(heard.outcome).toBe("cold_start_failed");
    expect(heard.error?.details).toMatchObject({ failures_in_a_row: 3 });
    expect(heard.error?.message).toContain("3 times in a row");
    expect(heard.error?.retryAfterSecs).toBe(1);
    bench.driver.startFailure = undefined;
    bench.driver.handler = (call) => call.respond(200, [], "well");
    await bench.clock.advance(300);
    const later = bench.ask();
    await bench.settle();
    expect(later.heard.outcome).toBe("200 well");
  });

  test("while another instance serves, those whose start failed wait on for a slot", async () => {
    const { bench, calls } = openBench({ perInstance: 1, maxInstances: 2, queueMs: 100 });
    bench.ask();
    await bench.settle();
    bench.driver.startFailure = { exit: { reason: "exited", code: 1 }, log: "" };
    const { heard } = bench.ask();
    await bench.settle();
    expect(heard.outcome).toBe("open");
    calls[0]?.respond(200, [], "");
    calls[1]?.respond(200, [], "after all");
    expect(heard.outcome).toBe("200 after all");
  });
});

describe("instances that come and go", () => {
  test("an idle instance leaves after idle_ttl", async () => {
    const bench = new ServingBench();
    bench.apply({ manifest: { concurrency: { idleTtlMs: 5000 } } });
    bench.ask();
    await bench.clock.advance(4000);
    expect(bench.serving.pools()[0]?.instances.length).toBe(1);
    await bench.clock.advance(3000);
    expect(bench.driver.instances[0]?.stopOptions?.graceMs).toBe(0);
    expect(bench.serving.pools()).toEqual([]);
  });

  test("min_instances start at apply, stay, and are replaced", async () => {
    const bench = new ServingBench();
    bench.apply({ manifest: { concurrency: { minInstances: 2, idleTtlMs: 1000 } } });
    await bench.clock.advance(10_000);
    expect(bench.driver.starts.length).toBe(2);
    bench.driver.instances[0]?.die({ reason: "exited", code: 0 });
    await bench.settle();
    await bench.clock.advance(1100);
    expect(bench.driver.starts.length).toBe(3);
  });

  test("min_instances evict nobody, and come back once there is room", async () => {
    const bench = new ServingBench({ instancesMax: 1 });
    const kept = { manifest: { concurrency: { minInstances: 1 } } };
    bench.apply({ name: "first", ...kept }, { name: "second", ...kept });
    await bench.clock.advance(5000);
    expect(bench.driver.starts.map((start) => start.spec.functionName)).toEqual(["first"]);
    const { heard } = bench.ask("second");
    await bench.clock.advance(5000);
    expect(heard.outcome).toBe("200 ok");
    bench.apply({ name: "first", ...kept });
    bench.driver.instances[1]?.die({ reason: "stopped" });
    await bench.clock.advance(5000);
    expect(bench.driver.starts.map((start) => start.spec.functionName)).toEqual([
      "first",
      "second",
      "first",
    ]);
  });

  test("at instances_max the least recently used idle instance makes room", async () => {
    const bench = new ServingBench({ instancesMax: 2 });
    bench.apply({ name: "a" }, { name: "b" }, { name: "c" });
    for (const name of ["a", "b"]) {
      bench.ask(name);
      await bench.settle();
      await bench.clock.advance(10);
    }
    bench.ask("a");
    await bench.clock.advance(10);
    const { heard } = bench.ask("c");
    await bench.settle();
    expect(heard.outcome).toBe("200 ok");
    const stopped = bench.driver.instances.filter((instance) => instance.stopOptions);
    expect(stopped.map((instance) => instance.spec.functionName)).toEqual(["b"]);
  });

  test("at instances_max with nobody idle a request waits for room and gets it", async () => {
    const bench = new ServingBench({ instancesMax: 1 });
    const calls: ScriptedCall[] = [];
    bench.driver.handler = (call) => void calls.push(call);
    const concurrency = { queueMs: 5000 };
    bench.apply({ name: "a", manifest: { concurrency } }, { name: "b", manifest: { concurrency } });
    bench.ask("a");
    await bench.settle();
    const { heard } = bench.ask("b");
    await bench.settle();
    expect(bench.driver.starts.length).toBe(1);
    calls[0]?.respond(200, [], "");
    await bench.settle();
    calls[1]?.respond(200, [], "b runs");
    expect(heard.outcome).toBe("200 b runs");
  });

  test("at instances_max a request gets the room of an instance that died", async () => {
    const bench = new ServingBench({ instancesMax: 1 });
    bench.driver.handler = (call) => {
      if (call.instance.spec.functionName === "b") call.respond(200, [], "b runs");
    };
    bench.apply({ name: "a" }, { name: "b", manifest: { concurrency: { queueMs: 100 } } });
    bench.ask("a");
    await bench.settle();
    const { heard } = bench.ask("b");
    await bench.settle();
    bench.driver.instances[0]?.die({ reason: "exited", code: 1 });
    await bench.settle();
    expect(heard.outcome).toBe("200 b runs");
  });

  test("when an instance dies, those who wait get a new one", async () => {
    const { bench, calls } = openBench({ perInstance: 1, maxInstances: 1, queueMs: 5000 });
    const first = bench.ask();
    await bench.settle();
    const second = bench.ask();
    bench.driver.instances[0]?.die({ reason: "signal", signal: "SIGSEGV" });
    await bench.settle();
    expect(first.heard.outcome).toBe("function_crashed");
    calls[1]?.respond(200, [], "again");
    expect(second.heard.outcome).toBe("200 again");
  });

  test("a request handed to an instance that was dead already goes to another one", async () => {
    const { bench } = openBench({ perInstance: 10 });
    bench.driver.handler = (call) => call.respond(200, [], "ok");
    bench.ask();
    await bench.settle();
    bench.driver.handler = (call) => {
      if (call.instance !== bench.driver.instances[0]) call.respond(200, [], call.body);
      else call.fail({ kind: "exited", exit: { reason: "exited", code: 0 } });
    };
    const { heard, invocation } = bench.ask("hello", { body: Buffer.from("kept") });
    await bench.settle();
    expect(heard.outcome).toBe("200 kept");
    expect(invocation.cold).toBe(true);
  });
});

test("a request that every instance bounces fails in the end instead of going round for ever", async () => {
  const bench = new ServingBench();
  bench.driver.handler = (call) =>
    call.fail({ kind: "exited", exit: { reason: "exited", code: 1 } });
  bench.apply({});
  const { heard } = bench.ask();
  for (let turn = 0; turn < 5; turn++) await bench.settle();
  expect(heard.outcome).toBe("function_crashed");
  expect(bench.driver.starts.length).toBe(3);
});
