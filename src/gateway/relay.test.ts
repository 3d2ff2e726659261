import { afterEach, describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import type { FunctionChanges } from "../serving/plan-builder.harness.ts";
import type { ScriptedCall } from "../serving/scripted-driver.harness.ts";
import { GatewayBench } from "./gateway.harness.ts";
import type { GatewaySettings } from "./gateway-settings.ts";

const open: GatewayBench[] = [];

async function gateway(
  changes: FunctionChanges = {},
  settings: Partial<GatewaySettings> = {},
): Promise<GatewayBench> {
  const bench = await GatewayBench.open([changes], { settings });
  open.push(bench);
  return bench;
}

afterEach(async () => {
  for (const bench of open.splice(0)) await bench.close();
});

/** The next call that reaches the function. */
function nextCall(bench: GatewayBench): Promise<ScriptedCall> {
  return new Promise((resolve) => {
    bench.driver.handler = resolve;
  });
}

/** Resolves once `check` holds, looking after each turn of the event loop. */
async function eventually(check: () => boolean): Promise<void> {
  while (!check()) await new Promise<void>((resolve) => setImmediate(resolve));
}

const get = "GET /fn/v1/hello HTTP/1.1\r\nHost: a\r\n\r\n";

describe("request bodies", () => {
  test("a small one is complete before the function is asked, however it was cut", async () => {
    const bench = await gateway();
    const called = nextCall(bench);
    const client = await bench.raw();
    client.write("POST /fn/v1/hello HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nab");
    await bench.fetch("/fn/v1/health");
    expect(bench.driver.starts.length).toBe(0);
    client.write("cdef");
    const call = await called;
    expect([call.body, call.bodyEnded]).toEqual(["abcdef", true]);
    call.respond(200, [], "done");
    await client.until("done");
    client.destroy();
  });

  test("a chunked one streams to the function as it comes", async () => {
    const bench = await gateway();
    const called = nextCall(bench);
    const client = await bench.raw();
    client.write(
      "POST /fn/v1/hello HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    );
    const call = await called;
    await eventually(() => call.body === "abc");
    expect(call.bodyEnded).toBe(false);
    expect(call.header("content-length")).toBeUndefined();
    call.sink.head(200, []);
    call.sink.data(Buffer.from("early"));
    await client.until("early");
    client.write("3\r\ndef\r\n0\r\n\r\n");
    await eventually(() => call.bodyEnded);
    expect(call.body).toBe("abcdef");
    call.finish();
    await client.until("0\r\n\r\n");
    client.destroy();
  });

  test("a large one arrives byte for byte and waits while the function takes nothing", async () => {
    const bench = await gateway();
    const body = randomBytes(1_000_000);
    const called = new Promise<ScriptedCall>((resolve) => {
      bench.driver.handler = (call) => {
        call.hasRoom = false;
        resolve(call);
      };
    });
    const answer = bench.fetch("/fn/v1/hello", { method: "POST", body });
    const call = await called;
    await eventually(() => call.bodyChunks.length > 0);
    const taken = call.bodyChunks.length;
    await bench.fetch("/fn/v1/health");
    expect(call.bodyChunks.length).toBe(taken);
    call.hasRoom = true;
    call.sink.drained();
    await eventually(() => call.bodyEnded);
    expect(Buffer.concat(call.bodyChunks).equals(body)).toBe(true);
    call.respond(200, [], "ok");
    expect((await answer).status).toBe(200);
  });

  test("a chunked one over the cap is 413 and the connection ends", async () => {
    const bench = await gateway({ manifest: { limits: { bodyInBytesMax: 10 } } });
    const called = nextCall(bench);
    const client = await bench.raw();
    client.write(
      "POST /fn/v1/hello HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nabcdef\r\n",
    );
    const call = await called;
    client.write("6\r\nabcdef\r\n");
    await client.closed;
    expect(client.text).toStartWith("HTTP/1.1 413 ");
    expect(client.text).toContain("payload_too_large");
    expect(call.cancelReason).toBeString();
    expect(call.body).toBe("abcdef");
  });

  test("one that is declared over the cap is refused before a byte of it is read", async () => {
    const bench = await gateway();
    const text = await bench.send(
      "POST /fn/v1/hello HTTP/1.1\r\nHost: a\r\nContent-Length: 6000000\r\n\r\n",
    );
    expect(text).toStartWith("HTTP/1.1 413 ");
    expect(text.toLowerCase()).toContain("connection: close");
    expect(bench.driver.starts.length).toBe(0);
  });

  test("Expect: 100-continue is answered once the body is wanted, and not when it is refused", async () => {
    const bench = await gateway();
    const called = nextCall(bench);
    const client = await bench.raw();
    client.write(
      "POST /fn/v1/hello HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n",
    );
    await client.until("HTTP/1.1 100 Continue\r\n\r\n");
    client.write("abc");
    (await called).respond(200, [], "done");
    await client.until("done");
    client.destroy();
    const refused = await bench.send(
      "POST /fn/v1/nope HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n",
    );
    expect(refused).toStartWith("HTTP/1.1 404 ");
  });

  test("one that stops coming is given up after the body idle time", async () => {
    const bench = await gateway({}, { bodyIdleMs: 1000 });
    const client = await bench.raw();
    client.write("POST /fn/v1/hello HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nab");
    await bench.fetch("/fn/v1/health");
    await bench.serving.clock.advance(1600);
    await client.closed;
    expect(client.text).toStartWith("HTTP/1.1 400 ");
    expect(client.text).toContain("nothing came of its body for 1000 ms");
    expect(bench.driver.starts.length).toBe(0);
  });

  test("an answer before the body is complete ends the connection after it", async () => {
    const bench = await gateway();
    const called = nextCall(bench);
    const client = await bench.raw();
    client.write(
      "POST /fn/v1/hello HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    );
    (await called).respond(400, [], "no more");
    await client.until("no more");
    expect(client.text.toLowerCase()).toContain("connection: close");
    await client.closed;
  });
});

describe("response bodies", () => {
  test("a stream's head leaves at once and each chunk as it comes", async () => {
    const bench = await gateway();
    const called = nextCall(bench);
    const client = await bench.raw();
    client.write(get);
    const call = await called;
    call.sink.head(200, ["content-type", "text/event-stream"]);
    await client.until("\r\n\r\n");
    call.sink.data(Buffer.from("data: 1\n\n"));
    await client.until("data: 1");
    call.sink.data(Buffer.from("data: 2\n\n"));
    await client.until("data: 2");
    call.finish();
    await client.until("\r\n0\r\n\r\n");
    expect(call.consumedBytes).toBe(18);
    client.destroy();
  });

  test("an instance that dies in mid-body breaks the connection, with and without a length", async () => {
    for (const headers of [[], ["content-length", "100"]]) {
      const bench = await gateway();
      const called = nextCall(bench);
      const client = await bench.raw();
      client.write(get);
      const call = await called;
      call.sink.head(200, headers);
      call.sink.data(Buffer.from("half"));
      await client.until("half");
      call.instance.die({ reason: "signal", signal: "SIGSEGV" });
      await client.closed;
      expect(client.text).toEndWith(headers.length === 0 ? "4\r\nhalf\r\n" : "\r\n\r\nhalf");
    }
  });

  test("a body shorter or longer than its Content-Length never looks whole", async () => {
    const bench = await gateway();
    const called = nextCall(bench);
    const short = await bench.raw();
    short.write(get);
    const call = await called;
    call.sink.head(200, ["content-length", "10"]);
    call.sink.data(Buffer.from("12345"));
    await short.until("12345");
    call.finish();
    await short.closed;
    expect(short.text).toEndWith("\r\n\r\n12345");

    bench.driver.handler = (whole) => whole.respond(200, ["content-length", "3"], "12345");
    const response = await bench.fetch("/fn/v1/hello");
    expect(response.status).toBe(502);
  });

  test("a declared length over max_body_out is 500 before the head; a stream over it is cut", async () => {
    const bench = await gateway({ manifest: { limits: { bodyOutBytesMax: 8 } } });
    bench.driver.handler = (call) => call.sink.head(200, ["content-length", "9"]);
    const declared = await bench.fetch("/fn/v1/hello");
    expect([declared.status, await declared.text()]).toEqual([
      500,
      expect.stringContaining("response_too_large"),
    ]);
    bench.driver.handler = (call) => call.respond(200, [], "123456789");
    expect((await bench.fetch("/fn/v1/hello")).status).toBe(500);

    const called = nextCall(bench);
    const client = await bench.raw();
    client.write(get);
    const call = await called;
    call.sink.head(200, []);
    call.sink.data(Buffer.from("12345678"));
    await client.until("12345678");
    call.sink.data(Buffer.from("9"));
    await client.closed;
    expect(client.text).toEndWith("8\r\n12345678\r\n");
    expect(bench.serving.lines.at(-1)?.message).toContain("max_body_out_mb");
  });

  test("a client that reads slowly holds the function back and gets every byte", async () => {
    const bench = await gateway({ manifest: { limits: { bodyOutBytesMax: 1e9 } } });
    const called = nextCall(bench);
    const client = await bench.raw();
    client.socket.pause();
    client.write(get);
    const call = await called;
    const chunk = Buffer.alloc(64 * 1024, "x");
    call.sink.head(200, []);
    let sent = 0;
    // What the kernel's buffers take is acknowledged; then it has to stop.
    for (let turns = 0; turns < 50; turns++) {
      if (sent - call.consumedBytes < 4 * chunk.length) {
        call.sink.data(chunk);
        sent += chunk.length;
        turns = 0;
      }
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
    expect(sent - call.consumedBytes).toBeGreaterThan(0);
    client.socket.resume();
    await eventually(() => call.consumedBytes === sent);
    call.finish();
    await eventually(() => client.bytes > sent);
    client.destroy();
  });

  test("a client that takes nothing for the write idle time is cut off", async () => {
    const bench = await gateway(
      { manifest: { limits: { bodyOutBytesMax: 1e9 } } },
      { writeIdleMs: 1000 },
    );
    const called = nextCall(bench);
    const client = await bench.raw();
    client.socket.pause();
    client.write(get);
    const call = await called;
    call.sink.head(200, []);
    for (let i = 0; i < 400; i++) call.sink.data(Buffer.alloc(64 * 1024));
    for (let i = 0; i < 3; i++) await bench.fetch("/fn/v1/health");
    await bench.serving.clock.advance(1600);
    await eventually(() => call.cancelReason !== undefined);
    expect(call.cancelReason).toBe("client disconnected");
    client.destroy();
  });
});

describe("clients that leave", () => {
  test("before the head: the function is told and the slot is free once it confirms", async () => {
    const bench = await gateway();
    const called = nextCall(bench);
    const client = await bench.raw();
    client.write(get);
    const call = await called;
    client.destroy();
    await eventually(() => call.cancelReason !== undefined);
    expect(call.cancelReason).toBe("client disconnected");
    await bench.serving.settle();
    expect(bench.serving.serving.pools()[0]?.running).toBe(0);
    expect(bench.serving.records.at(-1)?.status).toBe(499);
  });

  test("in mid-stream: the function is told", async () => {
    const bench = await gateway();
    const called = nextCall(bench);
    const client = await bench.raw();
    client.write(get);
    const call = await called;
    call.sink.head(200, []);
    call.sink.data(Buffer.from("x"));
    await client.until("x");
    client.destroy();
    await eventually(() => call.cancelReason !== undefined);
  });

  test("while they wait for a start: they cost nothing", async () => {
    const bench = await gateway();
    bench.driver.startsByItself = false;
    const client = await bench.raw();
    client.write(get);
    await eventually(() => bench.driver.starts.length === 1);
    client.destroy();
    await eventually(() => bench.serving.serving.pools()[0]?.waiting === 0);
    expect(bench.serving.records.at(-1)?.status).toBe(499);
  });

  test("in mid-upload: the function is told and its body never looks complete", async () => {
    const bench = await gateway();
    const called = nextCall(bench);
    const client = await bench.raw();
    client.write("POST /fn/v1/hello HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc");
    const call = await called;
    await eventually(() => call.body === "abc");
    client.destroy();
    await eventually(() => call.cancelReason !== undefined);
    expect(call.bodyEnded).toBe(false);
  });
});
