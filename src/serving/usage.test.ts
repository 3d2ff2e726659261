import { expect, test } from "bun:test";
import type { ScriptedCall } from "./scripted-driver.harness.ts";
import { ServingBench, warmBench } from "./serving.harness.ts";

test("an invocation uses its instance from when it is handed over until its answer has ended", async () => {
  const { bench, calls } = await warmBench();
  bench.ask();
  await bench.clock.advance(30);
  calls[0]?.respond(200, []);
  expect(bench.records).toMatchObject([
    { durationMs: 30, runMs: 30, allotment: { memoryMb: 256, vcpu: 1 } },
  ]);
});

test("a streamed answer counts to its end", async () => {
  const { bench, calls } = await warmBench();
  bench.ask();
  await bench.clock.advance(10);
  calls[0]?.sink.head(200, []);
  for (let i = 0; i < 4; i++) {
    await bench.clock.advance(100);
    calls[0]?.sink.data(Buffer.from("."));
  }
  calls[0]?.finish();
  expect(bench.records[0]?.runMs).toBe(410);
});

test("neither a cold start nor the wait for a slot counts", async () => {
  const bench = new ServingBench();
  bench.apply({ manifest: { concurrency: { perInstance: 1, maxInstances: 1, queueMs: 5000 } } });
  bench.driver.startsByItself = false;
  const calls: ScriptedCall[] = [];
  bench.driver.handler = (call) => void calls.push(call);
  bench.ask();
  await bench.clock.advance(700);
  bench.driver.starts[0]?.succeed();
  await bench.settle();
  bench.ask();
  await bench.clock.advance(20);
  calls[0]?.respond(200, []);
  await bench.clock.advance(5);
  calls[1]?.respond(200, []);
  expect(bench.records).toMatchObject([
    { cold: true, durationMs: 720, runMs: 20 },
    { cold: false, durationMs: 25, runMs: 5 },
  ]);
});

test("what never reaches an instance uses nothing", async () => {
  const { bench, calls } = await warmBench({}, { perInstance: 1, maxInstances: 1, queueMs: 100 });
  bench.ask();
  const late = bench.ask();
  const left = bench.ask();
  await bench.clock.advance(50);
  left.invocation.cancel("the client left");
  await bench.clock.advance(100);
  expect(late.heard.outcome).toBe("too_many_requests");
  expect(bench.records).toMatchObject([
    { status: 499, durationMs: 50, runMs: 0, allotment: undefined },
    { status: 429, runMs: 0, allotment: undefined },
  ]);
  calls[0]?.respond(200, []);
  expect(bench.records[2]?.runMs).toBe(150);
});

test("a timeout and a client that leaves end the count", async () => {
  const { bench } = await warmBench({ timeoutMs: 1000 });
  const { invocation } = bench.ask();
  await bench.clock.advance(300);
  invocation.cancel("the client left");
  bench.ask();
  await bench.clock.advance(1100);
  const [left, timedOut] = bench.records;
  expect([left?.status, left?.runMs]).toEqual([499, 300]);
  expect(timedOut?.status).toBe(504);
  expect(timedOut?.runMs).toBeGreaterThanOrEqual(1000);
  expect(timedOut?.runMs).toBe(timedOut?.durationMs);
});

test("an invocation whose instance was dead already counts on the one that runs it", async () => {
  const { bench, calls } = await warmBench();
  const [warm] = bench.driver.instances;
  let ranMs = 0;
  bench.driver.handler = (call) => {
    if (call.instance === warm) {
      call.fail({ kind: "exited", exit: { reason: "exited", code: 1 } });
    } else {
      ranMs = bench.clock.monotonicMs();
      calls.push(call);
    }
  };
  bench.ask();
  await bench.clock.advance(40);
  calls[0]?.respond(200, []);
  expect(bench.records).toMatchObject([{ status: 200, durationMs: 40, runMs: 40 - ranMs }]);
  expect(ranMs).toBeGreaterThan(0);
});

test("the meter's sums are those of the records", async () => {
  const { bench, calls } = await warmBench();
  const [meter] = bench.serving.meters();
  for (let i = 0; i < 3; i++) {
    bench.ask();
    await bench.clock.advance(10 * (i + 1));
    calls[i]?.respond(200, []);
  }
  const runMs = bench.records.reduce((sum, record) => sum + (record.runMs ?? 0), 0);
  expect(runMs).toBe(60);
  // What warmed it took no time of this clock.
  expect(meter?.runMsSum).toBe(60);
  expect(meter?.vcpuMsSum).toBeCloseTo(60, 9);
  expect(meter?.gbSecondsSum).toBeCloseTo(0.06 * 0.25, 9);
});
