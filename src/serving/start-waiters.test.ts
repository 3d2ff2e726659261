import { expect, test } from "bun:test";
import { ServingBench } from "./serving.harness.ts";

test("a request whose start went to one that waited longer waits for a slot within queue_ms, not for a start", async () => {
  const bench = new ServingBench();
  bench.driver.startsByItself = false;
  bench.driver.handler = () => undefined;
  bench.apply({
    manifest: { concurrency: { maxInstances: 1, perInstance: 1, queueMs: 100 } },
  });
  bench.ask();
  await bench.settle();
  bench.driver.starts[0]?.succeed();
  await bench.settle();
  const queued = bench.ask();
  bench.driver.instances[0]?.die({ reason: "exited", code: 1 });
  await bench.settle();
  expect(bench.driver.starts.length).toBe(2);
  const late = bench.ask();
  expect(late.invocation.waited?.forStart).toBe(true);
  bench.driver.starts[1]?.succeed();
  await bench.settle();
  expect(queued.invocation.ranAtMs).toBeGreaterThanOrEqual(0);
  await bench.clock.advance(99);
  expect(late.heard.outcome).toBe("open");
  await bench.clock.advance(30);
  expect(late.heard.outcome).toBe("too_many_requests");
});
