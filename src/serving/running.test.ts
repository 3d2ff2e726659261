import { describe, expect, test } from "bun:test";
import type { InvocationFailure } from "../drivers/driver.ts";
import { durationBucketsMs } from "./meter.ts";
import { ServingBench, warmBench } from "./serving.harness.ts";

describe("timers", () => {
  test("no head within timeout_ms is function_timeout and a line of the log, the guest is told to stop, the slot comes back", async () => {
    const { bench, calls } = await warmBench({ timeoutMs: 1000 });
    const { heard } = bench.ask();
    await bench.clock.advance(950);
    expect(heard.outcome).toBe("open");
    await bench.clock.advance(100);
    expect(heard.outcome).toBe("function_timeout");
    expect(heard.error?.status).toBe(504);
    expect(heard.error?.details).toMatchObject({
      function: "hello",
      deployment_id: "dep_hello_1",
    });
    expect(bench.lines).toMatchObject([
      {
        level: "error",
        invocationId: "inv_2",
        message: 'Function "hello" did not answer within timeout_ms of 1000 ms',
      },
    ]);
    expect(calls[0]?.cancelReason).toBe("timeout");
    expect(bench.serving.pools()[0]?.running).toBe(0);
    expect(bench.driver.instances[0]?.stopOptions).toBeUndefined();
  });

  test("the deadline that the function sees is the head's, in epoch milliseconds", async () => {
    const { bench, calls } = await warmBench({ timeoutMs: 1000 });
    bench.ask();
    expect(calls[0]?.head.deadlineMs).toBe(bench.clock.now() + 1000);
  });

  test("a stream that goes on is not cut by timeout_ms, however long it takes", async () => {
    const { bench, calls } = await warmBench({ timeoutMs: 1000, idleTimeoutMs: 1000 });
    const { heard } = bench.ask();
    calls[0]?.sink.head(200, []);
    for (let i = 0; i < 20; i++) {
      calls[0]?.sink.data(Buffer.from("."));
      await bench.clock.advance(500);
    }
    calls[0]?.finish();
    expect(heard.outcome).toBe(`200 ${".".repeat(20)}`);
  });

  test("a stream that is silent for idle_timeout_ms is cut and the log says why", async () => {
    const { bench, calls } = await warmBench({ idleTimeoutMs: 1000 });
    const { heard } = bench.ask();
    calls[0]?.sink.head(200, []);
    calls[0]?.sink.data(Buffer.from("a"));
    await bench.clock.advance(1100);
    expect(heard.outcome).toBe("function_timeout");
    expect(bench.lines.map((line) => line.message).join()).toContain("idle_timeout_ms of 1000 ms");
    expect(bench.lines[0]?.invocationId).toBe(calls[0]?.head.invocationId);
  });

  test("silence does not count while the client has not taken what is there", async () => {
    const { bench, calls } = await warmBench({ idleTimeoutMs: 1000 });
    const { heard, invocation } = bench.ask();
    heard.onData = undefined;
    calls[0]?.sink.head(200, []);
    calls[0]?.sink.data(Buffer.from("abc"));
    await bench.clock.advance(10_000);
    expect(heard.outcome).toBe("open");
    invocation.consumed(3);
    expect(calls[0]?.consumedBytes).toBe(3);
    await bench.clock.advance(1100);
    expect(heard.outcome).toBe("function_timeout");
  });

  test("stream_timeout_ms ends even a lively stream", async () => {
    const { bench, calls } = await warmBench({ idleTimeoutMs: 1000, streamTimeoutMs: 3000 });
    const { heard } = bench.ask();
    calls[0]?.sink.head(200, []);
    for (let i = 0; i < 7; i++) {
      calls[0]?.sink.data(Buffer.from("."));
      await bench.clock.advance(500);
    }
    expect(heard.error?.message).toContain("stream_timeout_ms of 3000 ms");
  });

  test("no interval runs while nothing runs", async () => {
    const { bench } = await warmBench();
    await bench.clock.advance(2000);
    expect(bench.serving.context.sweep.empty).toBe(true);
  });
});

describe("failures", () => {
  const table: [string, InvocationFailure, string, number, Record<string, unknown>][] = [
    ["a throw", { kind: "threw", message: "boom", stack: "at x" }, "function_error", 500, {}],
    [
      "an exit",
      { kind: "exited", exit: { reason: "exited", code: 0 } },
      "function_crashed",
      500,
      { exit: { reason: "exited", code: 0 } },
    ],
    [
      "running out of memory",
      { kind: "exited", exit: { reason: "memory", limitMb: 128, peakMb: 131 } },
      "function_crashed",
      500,
      { exit: { reason: "memory", limit_mb: 128, peak_mb: 131 } },
    ],
    [
      "a breach of the protocol",
      { kind: "exited", exit: { reason: "protocol", message: "garbage" } },
      "runtime_error",
      502,
      { exit: { reason: "protocol", message: "garbage" } },
    ],
    [
      "being stopped by the platform",
      { kind: "exited", exit: { reason: "stopped" } },
      "runtime_error",
      502,
      { exit: { reason: "stopped" } },
    ],
    ["a cancel nobody asked for", { kind: "cancelled" }, "runtime_error", 502, {}],
  ];
  for (const [name, failure, code, status, details] of table) {
    test(`${name} is ${code}`, async () => {
      const { bench, calls } = await warmBench();
      const { heard } = bench.ask();
      calls[0]?.fail(failure);
      expect(heard.outcome).toBe(code);
      expect(heard.error?.status).toBe(status);
      expect(heard.error?.details).toMatchObject({
        function: "hello",
        deployment_id: "dep_hello_1",
        duration_ms: 0,
        ...details,
      });
      expect(bench.records[0]).toMatchObject({ status, errorCode: code });
    });
  }

  test("the stack of a throw is in the log under the request's id and beside the error, not in it", async () => {
    const { bench, calls } = await warmBench();
    const { heard } = bench.ask();
    calls[0]?.fail({ kind: "threw", message: "boom", stack: "Error: boom\n at x.ts:1" });
    expect(heard.stack).toContain("x.ts:1");
    expect(JSON.stringify(heard.error?.details)).not.toContain("x.ts");
    expect(bench.lines[0]).toMatchObject({ requestId: "req_2", message: heard.stack });
  });

  test("a crash in the middle of the body is an error after the head", async () => {
    const { bench, calls } = await warmBench();
    const { heard } = bench.ask();
    calls[0]?.sink.head(200, []);
    calls[0]?.sink.data(Buffer.from("half"));
    bench.driver.instances[0]?.die({ reason: "signal", signal: "SIGSEGV" });
    expect(heard.status).toBe(200);
    expect(heard.outcome).toBe("function_crashed");
    expect(bench.lines[0]?.message).toContain("was killed by SIGSEGV");
  });

  test("a body over max_body_out is cut and the guest stopped", async () => {
    const { bench, calls } = await warmBench({ bodyOutBytesMax: 10 });
    const { heard } = bench.ask();
    calls[0]?.sink.head(200, []);
    calls[0]?.sink.data(Buffer.from("0123456789"));
    expect(heard.outcome).toBe("open");
    calls[0]?.sink.data(Buffer.from("!"));
    expect(heard.outcome).toBe("response_too_large");
    expect(calls[0]?.cancelReason).toContain("max_body_out_mb");
    await bench.settle();
    expect(bench.serving.pools()[0]?.running).toBe(0);
  });

  test("an end without a head is the runtime's fault", async () => {
    const { bench, calls } = await warmBench();
    const { heard } = bench.ask();
    calls[0]?.finish();
    expect(heard.outcome).toBe("runtime_error");
  });
});

describe("request bodies", () => {
  test("a body that still comes is asked for once the request runs, and follows backpressure", async () => {
    const { bench, calls } = await warmBench();
    const { heard, invocation } = bench.ask("hello", { body: Buffer.from("a"), complete: false });
    expect(heard.drains).toBe(1);
    expect(invocation.write(Buffer.from("b"))).toBe(true);
    const [call] = calls;
    if (call !== undefined) call.hasRoom = false;
    expect(invocation.write(Buffer.from("c"))).toBe(false);
    call?.sink.drained();
    expect(heard.drains).toBe(2);
    invocation.endBody();
    expect([call?.body, call?.bodyEnded]).toEqual(["abc", true]);
    call?.respond(200, [], "");
    expect(bench.records[0]?.bytesIn).toBe(3);
  });

  test("an answer before the body is complete cuts the body instead of completing it", async () => {
    const { bench, calls } = await warmBench();
    const { heard, invocation } = bench.ask("hello", { complete: false });
    calls[0]?.respond(200, [], "early");
    expect(heard.outcome).toBe("200 early");
    expect(calls[0]?.cancelReason).toBe("the response is complete");
    expect(calls[0]?.bodyEnded).toBe(false);
    expect(invocation.write(Buffer.from("late"))).toBe(true);
    expect(calls[0]?.body).toBe("");
  });

  test("a body that waits for a slot is kept and delivered", async () => {
    const bench = new ServingBench();
    bench.driver.handler = (call) => call.respond(200, [], call.body);
    bench.apply({});
    const { heard } = bench.ask("hello", { body: Buffer.from("payload") });
    await bench.settle();
    expect(heard.outcome).toBe("200 payload");
  });
});

describe("accounting", () => {
  test("each invocation is recorded once and counted by status, code, size and duration", async () => {
    const { bench, calls } = await warmBench({ timeoutMs: 1000 });
    const first = bench.ask("hello", { body: Buffer.from("12345") });
    await bench.clock.advance(40);
    calls[0]?.respond(201, [], "abc");
    bench.ask();
    await bench.clock.advance(1100);
    expect(first.heard.outcome).toBe("201 abc");
    expect(bench.records).toEqual([
      {
        id: "inv_2",
        requestId: "req_2",
        functionId: "fn_hello",
        deploymentId: "dep_hello_1",
        revision: 1,
        method: "GET",
        startedAtMs: 1_700_000_000_000,
        durationMs: 40,
        runMs: 40,
        allotment: { memoryMb: 256, vcpu: 1 },
        status: 201,
        errorCode: undefined,
        cold: false,
        bytesIn: 5,
        bytesOut: 3,
      },
      expect.objectContaining({ id: "inv_3", status: 504, errorCode: "function_timeout" }),
    ]);
    const [meter] = [...bench.serving.meters()];
    expect(Object.fromEntries(meter?.byStatus ?? [])).toEqual({ 200: 1, 201: 1, 504: 1 });
    expect(Object.fromEntries(meter?.byErrorCode ?? [])).toEqual({ function_timeout: 1 });
    expect([meter?.invocations, meter?.coldStarts, meter?.bytesIn]).toEqual([3, 1, 5]);
    expect([...(meter?.durationBuckets ?? [])].reduce((sum, n) => sum + n)).toBe(3);
    // Cold at once, 40 ms, and the timeout's 1000 to 1025 ms.
    expect(meter?.durationBuckets[0]).toBe(1);
    expect(meter?.durationBuckets[durationBucketsMs.indexOf(50)]).toBe(1);
    expect(meter?.durationMsSum).toBeGreaterThanOrEqual(1040);
  });

  test("with observability off nothing is recorded, counted or logged", async () => {
    const bench = new ServingBench({ observability: false });
    bench.driver.handler = (call) => call.fail({ kind: "threw", message: "x", stack: undefined });
    bench.apply({});
    bench.ask();
    await bench.settle();
    expect([bench.records, bench.lines]).toEqual([[], []]);
    expect([...bench.serving.meters()][0]?.invocations).toBe(0);
  });
});
