import { afterEach, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { HttpBench } from "./http-server.harness.ts";
import { RawClient } from "./raw-client.harness.ts";
import { testIdentities } from "./test-identities.harness.ts";

const open: HttpBench[] = [];

async function serve(options: Parameters<typeof HttpBench.open>[0] = {}): Promise<HttpBench> {
  const bench = await HttpBench.open(options);
  open.push(bench);
  return bench;
}

afterEach(async () => {
  for (const bench of open.splice(0)) await bench.close();
});

const get = (path = "/", lines = ""): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${lines}\r\n`;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function until(check: () => boolean): Promise<void> {
  while (!check()) await turn();
}

/** How often time is looked at: a deadline may be held up to two of these late. */
const ticksMs = 600;

describe("slow clients", () => {
  test("300 that send their heads a byte at a time do not keep one from being served, and are let go", async () => {
    const bench = await serve({ headersTimeoutMs: 10_000 });
    const slow = await Promise.all(Array.from({ length: 300 }, () => bench.raw()));
    const served = await bench.raw();
    for (let second = 0; second < 11; second++) {
      for (const client of slow) client.socket.write("G");
      served.write(get(`/${second}`));
      await served.until(`GET /${second} `);
      await bench.clock.advance(1000);
    }
    await Promise.all(slow.map((client) => client.closed));
    expect(slow.every(({ text }) => text.startsWith("HTTP/1.1 400 "))).toBe(true);
    await until(() => bench.server.connections === 1);
    served.destroy();
  });

  test("that go on sending after a refusal are not read on without end", async () => {
    const bench = await serve();
    bench.handler = (exchange) => exchange.http.whole(413, [], Buffer.from("too large"));
    // It does not stop at the server's end, as an honest client would.
    const client = connect({ port: bench.server.port, host: "127.0.0.1", allowHalfOpen: true });
    const closed = new Promise((resolve) => client.once("close", resolve));
    client.on("error", () => client.destroy());
    const answered = new Promise((resolve) => client.once("data", resolve));
    client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
    await answered;
    // What the kernel holds on the way is its own bound; no more than that is taken.
    for (let sent = 0; sent < 90 && client.writableLength === 0; sent++) {
      client.write(Buffer.alloc(1_000_000));
      for (let turns = 0; turns < 50 && client.writableLength > 0; turns++) await turn();
    }
    expect(client.writableLength).toBeGreaterThan(0);
    await bench.clock.advance(5000 + ticksMs);
    await closed;
  });

  test("that send nothing at all are let go without an answer", async () => {
    const bench = await serve({ headersTimeoutMs: 5000 });
    const client = await bench.raw();
    await until(() => bench.server.connections === 1);
    await bench.clock.advance(5000 + ticksMs);
    await client.closed;
    expect(client.text).toBe("");
  });

  test("are let go between two requests after the keep-alive time, which a request begins anew", async () => {
    const bench = await serve({ keepAliveMs: 60_000, headersTimeoutMs: 1000 });
    const client = await bench.raw();
    for (let i = 0; i < 3; i++) {
      client.write(get(`/${i}`));
      await client.until(`GET /${i}`);
      await bench.clock.advance(50_000);
    }
    expect(client.socket.destroyed).toBe(false);
    await bench.clock.advance(10_000 + ticksMs);
    await client.closed;
    expect(client.text.split("HTTP/1.1 ").length).toBe(4);
  });

  test("whose wanted body stops are told so; a body that is held back has time", async () => {
    const bench = await serve({ bodyIdleMs: 3000 });
    bench.handler = () => {};
    const client = await bench.raw();
    client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nab");
    await until(() => bench.exchanges.length === 1);
    await bench.clock.advance(10_000);
    const exchange = bench.exchanges[0];
    expect(exchange?.events).toEqual([]);
    exchange?.http.readBody();
    await bench.clock.advance(3000 + ticksMs);
    expect(exchange?.events).toEqual([
      "failed: Cannot read the request: nothing came of its body for 3000 ms",
    ]);
    await client.closed;
    expect(client.text).toStartWith("HTTP/1.1 400 ");
  });

  test("that take nothing of their answer are cut off, and the listener hears it", async () => {
    const bench = await serve({ writeIdleMs: 2000 });
    bench.handler = ({ http }) => {
      http.start(200, [], undefined);
      while (http.write(Buffer.alloc(256 * 1024)));
    };
    const client = await bench.raw();
    client.socket.pause();
    client.write(get());
    await until(() => bench.exchanges.length === 1);
    await bench.settle();
    await bench.clock.advance(2000 + ticksMs);
    await until(() => bench.exchanges[0]?.events.includes("gone") === true);
    expect(bench.exchanges[0]?.events).toEqual(["stalled", "gone"]);
    client.destroy();
  });

  test("that do not close after the last answer are cut off", async () => {
    const bench = await serve();
    const client = await bench.raw();
    client.socket.allowHalfOpen = true;
    client.write(
      "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nabcde",
    );
    await client.until("GET / ");
    await until(() => bench.exchanges.length === 1);
    await bench.clock.advance(6000);
    await until(() => bench.server.connections === 0);
    client.destroy();
  });
});

describe("caps", () => {
  test("close connections beyond them at once, and count closed ones no more", async () => {
    const bench = await serve({ connectionsMax: 3, connectionsPerAddressMax: 2 });
    const held = [await bench.raw(), await bench.raw()];
    for (const client of held) {
      client.write(get());
      await client.until("GET / ");
    }
    expect(await bench.send(get())).toBe("");
    held[0]?.destroy();
    await until(() => bench.server.connections === 1);
    const again = await bench.raw();
    again.write(get("/again"));
    await again.until("GET /again");
    again.destroy();
    held[1]?.destroy();
  });

  test("per address do not hold for a proxy; the one in all does", async () => {
    const bench = await serve({
      connectionsMax: 3,
      connectionsPerAddressMax: 1,
      isProxy: (address) => address === "127.0.0.1",
    });
    const held = [await bench.raw(), await bench.raw(), await bench.raw()];
    for (const client of held) {
      client.write(get());
      await client.until("GET / ");
    }
    expect(await bench.send(get())).toBe("");
    for (const client of held) client.destroy();
  });
});

describe("close()", () => {
  test("ends idle connections at once, lets an answer finish, and cuts what is left after the grace", async () => {
    const bench = await serve();
    const idle = await bench.raw();
    idle.write(get("/idle"));
    await idle.until("/idle");
    bench.handler = () => {};
    const [busy, stuck] = [await bench.raw(), await bench.raw()];
    busy.write(get("/busy"));
    await until(() => bench.exchanges.length === 2);
    stuck.write(get("/stuck"));
    await until(() => bench.exchanges.length === 3);
    const closing = bench.server.close(1000);
    await idle.closed;
    bench.exchanges[1]?.answer(200, "finished");
    await busy.closed;
    expect(busy.text).toContain("Connection: close");
    expect(busy.text).toEndWith("finished");
    expect(stuck.socket.destroyed).toBe(false);
    await bench.clock.advance(1001);
    await stuck.closed;
    await closing;
    expect(bench.exchanges[2]?.events).toEqual(["gone"]);
  });
});

describe("TLS", () => {
  const [first, second] = testIdentities;

  function ask(bench: HttpBench, ca: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connectTls({ port: bench.server.port, host: "127.0.0.1", ca });
      let text = "";
      socket.on("secureConnect", () => socket.write(get("/", "Connection: close\r\n")));
      socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
      socket.on("error", reject);
      socket.on("close", () => resolve(text));
    });
  }

  test("serves what plain connections get, and knows that it is encrypted", async () => {
    const bench = await serve({ tls: first });
    bench.handler = (exchange) =>
      exchange.answer(200, `${exchange.http.secure} ${exchange.http.remoteAddress}`);
    expect(await ask(bench, first.cert)).toEndWith("true 127.0.0.1");
  });

  test("shows a renewed certificate to new connections", async () => {
    const bench = await serve({ tls: first });
    bench.server.setIdentity(second);
    expect(await ask(bench, second.cert)).toEndWith("GET / ");
    expect(
      await ask(bench, first.cert).then(
        () => "served",
        () => "refused",
      ),
    ).toBe("refused");
  });

  test("lets go of clients that do not shake hands, and counts them until then", async () => {
    const bench = await serve({ tls: first, headersTimeoutMs: 200, connectionsMax: 2 });
    const silent = await RawClient.connect(bench.server.port);
    const plain = await RawClient.connect(bench.server.port);
    await until(() => bench.server.connections === 2);
    expect(await bench.send("")).toBe("");
    plain.write(get());
    await plain.closed;
    await silent.closed;
    await until(() => bench.server.connections === 0);
    expect(bench.exchanges.length).toBe(0);
  });
});
