import { describe, expect, test } from "bun:test";
import { createDeferred } from "../base/deferred.ts";
import { describeExit } from "../domain/instance.ts";
import type { ScriptedCall } from "./scripted-driver.harness.ts";
import { type ServingBench, warmBench } from "./serving.harness.ts";

describe("a stuck instance", () => {
  test("the request that timed out gets 504, the others 502 with the reason, and it is replaced", async () => {
    const { bench, calls } = await warmBench({ timeoutMs: 1000 }, { maxInstances: 1 });
    const spinner = bench.ask();
    await bench.clock.advance(500);
    const neighbour = bench.ask();
    const [instance] = bench.driver.instances;
    if (instance !== undefined) instance.stuck = true;
    await bench.clock.advance(600);
    expect(spinner.heard.outcome).toBe("function_timeout");
    expect(neighbour.heard.outcome).toBe("runtime_error");
    expect(neighbour.heard.error?.details.exit).toEqual({ reason: "unresponsive", stuck_ms: 100 });
    expect(instance?.stopOptions).toEqual({
      graceMs: 0,
      exit: { reason: "unresponsive", stuckMs: 100 },
    });
    const next = bench.ask();
    await bench.settle();
    calls.at(-1)?.respond(200, [], "fresh");
    expect(next.heard.outcome).toBe("200 fresh");
    expect(bench.driver.instances.length).toBe(2);
  });

  test("while an instance is checked nothing new goes there; it does again once it answers", async () => {
    const { bench, calls } = await warmBench(
      { timeoutMs: 1000 },
      { maxInstances: 1, queueMs: 500 },
    );
    bench.ask();
    const [instance] = bench.driver.instances;
    let answer: (alive: boolean) => void = () => {};
    if (instance !== undefined) {
      instance.responds = () =>
        new Promise((resolve) => {
          answer = resolve;
        });
    }
    await bench.clock.advance(1050);
    const { heard } = bench.ask();
    expect(calls.length).toBe(1);
    answer(true);
    await bench.settle();
    calls[1]?.respond(200, [], "well");
    expect(heard.outcome).toBe("200 well");
  });

  /** A bench whose only instance may have one request, is suspected, and answers when it is told. */
  async function suspectedBench(): Promise<{
    bench: ServingBench;
    calls: ScriptedCall[];
    answer: (alive: boolean) => void;
  }> {
    const { bench, calls } = await warmBench(
      { timeoutMs: 1000 },
      { maxInstances: 1, perInstance: 2, queueMs: 500 },
    );
    bench.driver.startsByItself = false;
    bench.ask();
    const [instance] = bench.driver.instances;
    const probe = createDeferred<boolean>();
    if (instance !== undefined) {
      instance.stuck = true;
      instance.responds = () => probe.promise;
    }
    await bench.clock.advance(1050);
    bench.ask();
    await bench.settle();
    expect(bench.driver.starts.length).toBe(2);
    return { bench, calls, answer: (alive) => probe.resolve(alive) };
  }

  const liveStates = (bench: ServingBench) =>
    bench.serving.pools()[0]?.instances.map(({ state }) => state);

  test("that turns out fine after its replacement started leaves no more than max_instances", async () => {
    const { bench, calls, answer } = await suspectedBench();
    bench.driver.starts[1]?.succeed();
    await bench.settle();
    expect(liveStates(bench)).toEqual(["ready", "ready"]);
    expect(calls.length).toBe(2);
    answer(true);
    await bench.settle();
    // Both run one request; the surplus takes nothing new and finishes what it has.
    expect(liveStates(bench)).toEqual(["draining", "ready"]);
    expect(bench.driver.instances.map(({ stopOptions }) => stopOptions)).toEqual([
      undefined,
      undefined,
    ]);
    await bench.clock.advance(500);
    expect(liveStates(bench)).toEqual(["draining", "ready"]);
    calls[0]?.respond(200, [], "late");
    await bench.settle();
    expect(liveStates(bench)).toEqual(["ready"]);
    expect(bench.serving.pools()[0]?.running).toBe(1);
  });

  test("that turns out fine while its replacement starts keeps it from staying", async () => {
    const { bench, calls, answer } = await suspectedBench();
    answer(true);
    await bench.settle();
    // The instance is back and takes the one that waited for the start.
    expect(calls.length).toBe(2);
    bench.driver.starts[1]?.succeed();
    await bench.settle();
    expect(liveStates(bench)).toEqual(["ready"]);
    expect(bench.driver.instances[1]?.stopOptions?.graceMs).toBe(60_000);
  });

  test("a client that left a spinning request does not keep its slot beyond the timeout", async () => {
    const { bench } = await warmBench({ timeoutMs: 2000 });
    const { invocation } = bench.ask();
    const [instance] = bench.driver.instances;
    if (instance !== undefined) instance.stuck = true;
    invocation.cancel("client disconnected");
    await bench.clock.advance(1500);
    expect(instance?.stopOptions).toBeUndefined();
    await bench.clock.advance(600);
    expect(instance?.stopOptions?.exit?.reason).toBe("unresponsive");
    expect(bench.serving.pools()[0]?.running).toBe(0);
  });

  test("a guest that answers probes but never confirms a cancel is replaced in the end", async () => {
    const { bench } = await warmBench({ timeoutMs: 1000 });
    bench.ask();
    const [instance] = bench.driver.instances;
    if (instance !== undefined) {
      instance.stuck = true;
      instance.responds = () => Promise.resolve(true);
    }
    await bench.clock.advance(1100);
    expect(instance?.stopOptions).toBeUndefined();
    await bench.clock.advance(5100);
    const exit = instance?.stopOptions?.exit;
    expect(exit).toMatchObject({ reason: "unresponsive", unconfirmed: "cancel" });
    expect(exit && describeExit(exit)).toMatch(
      /^answered, but did not end a cancelled request for \d/,
    );
  });
});
