import { afterEach, describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { echo, HttpBench, type RecordedExchange } from "./http-server.harness.ts";

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
const post = (body: string, path = "/"): string =>
  `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

function nextExchange(bench: HttpBench): Promise<RecordedExchange> {
  return new Promise((resolve) => {
    bench.handler = resolve;
  });
}

async function until(check: () => boolean): Promise<void> {
  while (!check()) await new Promise<void>((resolve) => setImmediate(resolve));
}

describe("a request that cannot be read", () => {
  const refused: readonly (readonly [string, string, number])[] = [
    [
      "both framings",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
    ],
    [
      "two lengths",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
      400,
    ],
    ["bare LF", "GET / HTTP/1.1\nHost: a\n\n", 400],
    ["a folded header", get("/", "X: 1\r\n 2\r\n"), 400],
    ["another version", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 400],
    ["no Host", "GET / HTTP/1.1\r\n\r\n", 400],
    ["101 headers", get("/", "X: 1\r\n".repeat(100)), 431],
    ["a long head", get("/", `X: ${"x".repeat(40_000)}\r\n`), 431],
    ["a long target", get(`/${"x".repeat(17_000)}`), 414],
    ["endless bytes", "x".repeat(50_000), 414],
  ];
  for (const [name, bytes, status] of refused) {
    test(`for ${name} gets one envelope with ${status}, and the connection ends`, async () => {
      const bench = await serve();
      // What follows must not be taken for a request.
      const text = await bench.send(`${bytes}${get("/smuggled")}`);
      expect(text).toStartWith(`HTTP/1.1 ${status} `);
      expect(text.match(/HTTP\/1\.1 \d/g)?.length).toBe(1);
      expect(text).toContain("Connection: close\r\n");
      expect(text).toMatch(/"request_id":"req_[0-9a-z]{26}"/);
      expect(bench.exchanges.length).toBe(0);
      expect(bench.refusals.length).toBe(1);
    });
  }

  test("after good ones is the last: they are answered, in order", async () => {
    const bench = await serve();
    const text = await bench.send(`${get("/1")}${post("x", "/2")}GET /3 HTTP/1.1\n\n${get("/4")}`);
    const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1]);
    expect(statuses).toEqual(["200", "200", "400"]);
    expect(bench.exchanges.map(({ http }) => http.target)).toEqual(["/1", "/2"]);
  });
});

describe("requests on one connection", () => {
  test("are answered in order when they come together, the next one begun when its turn comes", async () => {
    const bench = await serve();
    bench.handler = () => {};
    const client = await bench.raw();
    client.write(get("/1") + post("two", "/2") + get("/3"));
    await until(() => bench.exchanges.length === 1);
    await bench.settle();
    expect(bench.exchanges.length).toBe(1);
    for (let i = 0; i < 3; i++) {
      await until(() => bench.exchanges.length === i + 1);
      bench.exchanges[i]?.answer(200, `answer ${i}`);
    }
    await client.until("answer 2");
    expect(client.text.match(/answer \d/g)).toEqual(["answer 0", "answer 1", "answer 2"]);
    client.destroy();
  });

  test("are the same however their bytes are cut", async () => {
    const bench = await serve();
    const bytes = Buffer.from(
      `${get("/1")}${post("body", "/2")}${chunked}3\r\nabc\r\n0\r\nT: 1\r\n\r\n${get("/4", "Connection: close\r\n")}`,
    );
    const expected = ["GET /1 ", "POST /2 body", "POST / abc", "GET /4 "];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 6 }), async (cuts) => {
        const client = await bench.raw();
        const at = [0, ...cuts, bytes.length].sort((a, b) => a - b);
        for (let i = 1; i < at.length; i++) {
          client.socket.write(bytes.subarray(at[i - 1], at[i]));
          await new Promise<void>((resolve) => setImmediate(resolve));
        }
        await client.closed;
        const bodies = client.text.split(/HTTP\/1\.1 200 OK\r\n[\s\S]*?\r\n\r\n/).slice(1);
        expect(bodies).toEqual(expected);
      }),
      { seed: 11, numRuns: 40 },
    );
  });

  test("hand on large bodies whole, and give their memory back at once", async () => {
    const bench = await serve();
    const kept: Buffer[] = [];
    bench.handler = (exchange) => {
      exchange.bodyChunk = (chunk) => {
        exchange.body += chunk.toString("latin1");
        kept.push(chunk);
      };
      echo(exchange);
    };
    const body = Buffer.alloc(3_000_000, "0123456789abcdef").toString();
    const size = `${body.length.toString(16)}\r\n`;
    await bench.send(
      `${post(body, "/declared")}${chunked}${size}${body}\r\n0\r\n\r\n${get("/", "Connection: close\r\n")}`,
    );
    expect(bench.exchanges.map((exchange) => exchange.body === body)).toEqual([true, true, false]);
    // What is left are the ends of pieces that began with something else, such as a head.
    const keptBytes = kept.reduce((sum, chunk) => sum + chunk.length, 0);
    expect(keptBytes).toBeLessThan(body.length);
  });

  test("keep a body that was taken whole as it was, whatever came with it", async () => {
    const bench = await serve();
    const taken: Buffer[] = [];
    bench.handler = (exchange) => {
      const whole = exchange.http.takeWhole();
      if (whole !== undefined) taken.push(whole);
      if (exchange.http.bodyComplete) exchange.answer(200);
      else echo(exchange);
    };
    const body = "b".repeat(20_000);
    await bench.send(post(body) + post("c".repeat(900_000)) + get("/", "Connection: close\r\n"));
    expect(bench.exchanges.length).toBe(3);
    expect(taken[0]?.toString()).toBe(body);
  });

  test("go on after an error whose request was whole, a body that nobody read included", async () => {
    const bench = await serve();
    bench.handler = (exchange) => exchange.answer(404, "nothing here");
    const client = await bench.raw();
    client.write(post("nobody reads this"));
    await client.until("nothing here");
    expect(client.text).not.toContain("Connection: close");
    client.write(get("/again", "Connection: close\r\n"));
    await client.closed;
    expect(bench.exchanges.map(({ http }) => http.target)).toEqual(["/", "/again"]);
  });

  test("end with an answer that comes before the body: the rest is no request", async () => {
    const bench = await serve();
    bench.handler = (exchange) => exchange.answer(413, "too large");
    const client = await bench.raw();
    client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
    await until(() => bench.exchanges.length === 1);
    client.write(get("/smuggled"));
    await client.closed;
    expect(client.text).toContain("Connection: close");
    expect(client.text).toEndWith("too large");
    expect(bench.exchanges.length).toBe(1);
  });

  test("are not begun while the client leaves the answers before untaken", async () => {
    const bench = await serve();
    bench.handler = (exchange) => exchange.answer(200, "x".repeat(1_000_000));
    const client = await bench.raw();
    client.socket.pause();
    client.write(get().repeat(500));
    await until(() => bench.exchanges.length > 0);
    for (let i = 0; i < 20; i++) await bench.settle();
    expect(bench.exchanges.length).toBeLessThan(50);
    client.destroy();
  });

  test("of HTTP/1.0 keep the connection only when they ask for it", async () => {
    const bench = await serve();
    const once = await bench.send("GET /1 HTTP/1.0\r\n\r\n");
    expect(once).toContain("Connection: close");
    const client = await bench.raw();
    client.write("GET /2 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    await client.until("GET /2");
    expect(client.text).toContain("Connection: keep-alive");
    client.write("GET /3 HTTP/1.0\r\n\r\n");
    await client.closed;
    expect(client.text).toContain("GET /3");
  });
});

describe("answers", () => {
  test("carry the date, and a length unless their status or HEAD forbids it", async () => {
    const bench = await serve();
    const answer = async (method: string, status: number): Promise<string> => {
      bench.handler = ({ http }) => http.whole(status, [], Buffer.from("12345"), 5);
      return bench.send(`${method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    };
    const full = await answer("GET", 200);
    expect(full).toContain("Date: Tue, 14 Nov 2023 22:13:20 GMT\r\n");
    expect(full).toEndWith("\r\n\r\n12345");
    for (const [method, status, length] of [
      ["HEAD", 200, true],
      ["GET", 304, true],
      ["GET", 204, false],
    ] as const) {
      const text = await answer(method, status);
      expect(text.includes("Content-Length: 5")).toBe(length);
      expect(text).toEndWith("\r\n\r\n");
    }
  });

  test("that stream come in chunks, with their length, or to the end of an HTTP/1.0 connection", async () => {
    const bench = await serve();
    const stream = async (request: string, length: number | undefined): Promise<string> => {
      bench.handler = ({ http }) => {
        http.start(200, [], length);
        http.write(Buffer.from("abc"));
        http.write(Buffer.from("de"));
        http.finish();
      };
      return bench.send(request);
    };
    const close = get("/", "Connection: close\r\n");
    expect(await stream(close, undefined)).toEndWith("\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    const sized = await stream(close, 5);
    expect(sized).toContain("Content-Length: 5\r\n");
    expect(sized).toEndWith("\r\n\r\nabcde");
    const old = await stream("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", undefined);
    expect(old).toContain("Connection: close");
    expect(old).toEndWith("\r\n\r\nabcde");
  });

  test("to a client that left are nobody's: the listener hears it once", async () => {
    const bench = await serve();
    const next = nextExchange(bench);
    const client = await bench.raw();
    client.write(get());
    const exchange = await next;
    client.destroy();
    await until(() => exchange.events.length > 0);
    exchange.answer(200, "late");
    await bench.settle();
    expect(exchange.events).toEqual(["gone"]);
    expect(bench.server.connections).toBe(0);
  });
});

describe("answers that take long", () => {
  test("are said to come, before their head and to HTTP/1.1 only", async () => {
    const bench = await serve();
    bench.handler = (exchange) => {
      exchange.http.processing();
      exchange.http.processing();
      exchange.answer(200, "done");
      exchange.http.processing();
    };
    const interim = "HTTP/1.1 102 Processing\r\n\r\n";
    expect(await bench.send(get("/", "Connection: close\r\n"))).toStartWith(
      `${interim}${interim}HTTP/1.1 200 OK\r\n`,
    );
    expect(await bench.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n")).toStartWith(
      "HTTP/1.1 200 OK\r\n",
    );
  });
});

describe("request bodies", () => {
  test("of clients that wait are asked for when they are wanted, not before", async () => {
    const bench = await serve();
    const next = nextExchange(bench);
    const client = await bench.raw();
    client.write("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    const exchange = await next;
    await bench.settle();
    expect(client.text).toBe("");
    exchange.http.readBody();
    await client.until("HTTP/1.1 100 Continue\r\n\r\n");
    client.write("abc");
    await until(() => exchange.events.includes("end"));
    exchange.answer(200, exchange.body);
    await client.until("abc");
    client.destroy();
  });

  test("whose chunks are malformed fail, and the connection ends with the answer", async () => {
    const bench = await serve();
    bench.handler = ({ http }) => http.readBody();
    const text = await bench.send(`${chunked}3\r\nabcX\r\n0\r\n\r\n${get("/smuggled")}`);
    expect(text).toEndWith("body failed");
    expect(bench.exchanges.map(({ events }) => events)).toEqual([
      ["failed: Cannot read the request: a chunk does not end with CR LF"],
    ]);
  });

  test("wait in the client while nobody takes them", async () => {
    const bench = await serve();
    const next = nextExchange(bench);
    const client = await bench.raw();
    client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n`);
    const exchange = await next;
    exchange.http.readBody();
    exchange.http.pauseBody();
    const piece = Buffer.alloc(1_000_000);
    for (let i = 0; i < 49; i++) client.socket.write(piece);
    for (let i = 0; i < 20; i++) await bench.settle();
    expect(exchange.body.length).toBe(0);
    expect(client.socket.writableLength).toBeGreaterThan(10_000_000);
    client.destroy();
  });
});
