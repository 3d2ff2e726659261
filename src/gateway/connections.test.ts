import { afterEach, describe, expect, test } from "bun:test";
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

const get = "GET /fn/v1/hello HTTP/1.1\r\nHost: a\r\n\r\n";

describe("malformed requests", () => {
  const table: [string, string, number][] = [
    [
      "Content-Length beside Transfer-Encoding",
      "POST /fn/v1/hello HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
    ],
    [
      "two Content-Lengths",
      "POST /fn/v1/hello HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
      400,
    ],
    [
      "a signed Content-Length",
      "POST /fn/v1/hello HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc",
      400,
    ],
    ["a folded header", "GET /fn/v1/hello HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n 2\r\n\r\n", 400],
    ["bare line feeds", "GET /fn/v1/hello HTTP/1.1\nHost: a\n\n", 400],
    [
      "an unknown transfer coding",
      "POST /fn/v1/hello HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
      400,
    ],
    [
      "two Hosts",
      "GET /fn/v1/hello HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n",
      400,
    ],
    [
      "a Host with a space",
      "GET /fn/v1/hello HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n",
      400,
    ],
    ["a space before the colon", "GET /fn/v1/hello HTTP/1.1\r\nHost : a\r\n\r\n", 400],
    ["garbage", "hello\r\n\r\n", 400],
    [
      "too large headers",
      `GET /fn/v1/hello HTTP/1.1\r\nHost: a\r\nX-A: ${"x".repeat(40_000)}\r\n\r\n`,
      431,
    ],
    [
      "a too long target",
      `GET /fn/v1/hello?${"x".repeat(17_000)} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
      414,
    ],
    [
      "a WebSocket upgrade",
      "GET /fn/v1/hello HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
      400,
    ],
  ];
  for (const [name, bytes, status] of table) {
    test(`${name} is ${status} and reaches no function`, async () => {
      const bench = await gateway();
      const client = await bench.raw();
      client.write(bytes);
      await client.until(`HTTP/1.1 ${status} `);
      expect(client.text.split("HTTP/1.1 ").length).toBe(2);
      expect(bench.driver.instances.length).toBe(0);
      client.destroy();
    });
  }

  test("a head that does not arrive in time ends the connection", async () => {
    const bench = await gateway({}, { headersTimeoutMs: 300 });
    const client = await bench.raw();
    client.write("GET /fn/v1/hello HTTP/1.1\r\nHost: a\r\n");
    await bench.fetch("/fn/v1/health");
    await bench.serving.clock.advance(800);
    await client.closed;
    expect(client.text).toStartWith("HTTP/1.1 400 ");
    expect(client.text).toContain("within 300 ms");
  });

  test("connections beyond the cap per address are closed at once", async () => {
    const bench = await gateway({}, { connectionsPerAddressMax: 2 });
    const held = [await bench.raw(), await bench.raw()];
    for (const client of held) {
      client.write(get);
      await client.until("ok");
    }
    expect(await bench.send(get)).toBe("");
    for (const client of held) client.destroy();
  });
});

describe("promote and close", () => {
  test("after a promote no request reaches the old deployment; what streams there goes on", async () => {
    const both = { revisions: [1, 2] } as const;
    const bench = await gateway({ ...both, aliases: { production: [[1, 100]] } });
    const called = nextCall(bench);
    const client = await bench.raw();
    client.write(get);
    const old = await called;
    old.sink.head(200, []);
    old.sink.data(Buffer.from("one"));
    await client.until("one");
    bench.apply([{ ...both, aliases: { production: [[2, 100]] } }]);
    bench.driver.handler = (call) => call.respond(200, [], String(call.instance.spec.revision));
    for (let i = 0; i < 5; i++) {
      expect(await (await bench.fetch("/fn/v1/hello")).text()).toBe("2");
    }
    old.sink.data(Buffer.from("more"));
    await client.until("more");
    old.finish();
    await client.until("\r\n0\r\n\r\n");
    client.destroy();
  });

  test("a body that still arrives during a promote goes to the new deployment", async () => {
    const both = { revisions: [1, 2] } as const;
    const bench = await gateway({ ...both, aliases: { production: [[1, 100]] } });
    bench.driver.handler = (call) => call.respond(200, [], String(call.instance.spec.revision));
    const client = await bench.raw();
    client.write("POST /fn/v1/hello HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na");
    await bench.fetch("/fn/v1/health");
    bench.apply([{ ...both, aliases: { production: [[2, 100]] } }]);
    client.write("b");
    await client.until("hello@2");
    client.destroy();
  });

  test("close() lets what is under way finish, ends its connection and refuses new ones", async () => {
    const bench = await gateway();
    const called = nextCall(bench);
    const client = await bench.raw();
    client.write(get);
    const call = await called;
    const idle = await bench.raw();
    idle.write("GET /fn/v1/health HTTP/1.1\r\nHost: a\r\n\r\n");
    await idle.until("runtimes");
    const closing = bench.gateway.close(10_000);
    await idle.closed;
    const late = await bench.raw().then(
      () => "connected",
      () => "refused",
    );
    expect(late).toBe("refused");
    call.respond(200, [], "finished");
    await client.closed;
    expect(client.text).toEndWith("finished");
    expect(client.text.toLowerCase()).toContain("connection: close");
    await closing;
  });

  test("close() cuts what is left after the grace", async () => {
    const bench = await gateway();
    const called = nextCall(bench);
    const client = await bench.raw();
    client.write(get);
    await called;
    const closing = bench.gateway.close(1000);
    await bench.serving.clock.advance(1001);
    await client.closed;
    await closing;
  });
});
