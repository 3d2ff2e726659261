import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Exchange, GuestHarness, type HarnessRequest } from "./guest.harness.ts";

const code = `
const cases = {
  describe: async (request) => Response.json({
    method: request.method, url: request.url, headers: [...request.headers],
    body: request.body === null ? null : await request.text(),
  }),
  echo: (request) => new Response(request.body),
  form: async (request) => Response.json([...(await request.formData())]),
  json: async (request) => Response.json(await request.json()),
  bytes: async (request) => Response.json((await request.bytes()).length),
  ignore: () => new Response("ignored"),
  lateRead: async (request, ctx) => {
    ctx.waitUntil((async () => { await Bun.sleep(5); await request.text(); })());
    return new Response("answered");
  },
  cancelBody: async (request) => { await request.body.cancel(); return new Response("cancelled"); },
  sink: async (request) => { let bytes = 0; for await (const chunk of request.body) bytes += chunk.length; return Response.json(bytes); },
  source: () => {
    let left = 64 * 1024 * 1024;
    return new Response(new ReadableStream({ pull(c) { if (left === 0) { c.close(); return; } c.enqueue(new Uint8Array(64 * 1024)); left -= 64 * 1024; } }));
  },
  endless: (request, ctx) => {
    const stream = new ReadableStream({ pull(c) { c.enqueue(new Uint8Array(16 * 1024)); }, cancel(reason) { ctx.log("stream cancelled: " + reason.message); } });
    return new Response(stream);
  },
  hang: (request, ctx) => new Promise(() => {
    request.signal.addEventListener("abort", () => console.log("request aborted: " + request.signal.reason.name));
    ctx.signal.addEventListener("abort", () => console.log("ctx aborted: " + ctx.signal.reason.message));
    console.log("hanging");
  }),
  late: (request) => new Promise((resolve) => { request.signal.addEventListener("abort", () => resolve(new Response("too late"))); console.log("waiting"); }),
  hangRead: async (request) => { console.log("reading"); try { await request.text(); } catch (error) { console.log("read failed: " + error.message); } return new Response("never seen"); },
  sse: (request, ctx) => {
    let i = 0;
    return new Response(new ReadableStream({ async pull(c) { await Bun.sleep(1); c.enqueue("data: " + i++ + "\\n\\n"); if (i === 3) c.close(); } }), { headers: { "content-type": "text/event-stream" } });
  },
};
export default (request, ctx) => cases[request.headers.get("x-case")](request, ctx);
`;

let guest: GuestHarness;
beforeAll(async () => {
  guest = await GuestHarness.start(code);
});
afterAll(() => guest.stop());

function send(name: string, request: HarnessRequest = {}): Exchange {
  return guest.request({ ...request, headers: ["x-case", name, ...(request.headers ?? [])] });
}

/** Resolves with the given line once it was logged on stream 0 or by the exchange. */
async function logged(exchange: Exchange, text: string): Promise<void> {
  while (![...exchange.lines, ...guest.lines].some((line) => line.text === text))
    await guest.ping();
}

test("the handler sees method, URL, headers and body as they were sent", async () => {
  const exchange = send("describe", {
    method: "PUT",
    url: "https://fn.example.com/a%20b?x=1&x=2",
    headers: ["X-A", "1", "x-a", "2", "cookie", "a=b"],
    body: "grüße",
  });
  expect(JSON.parse(await exchange.text())).toEqual({
    method: "PUT",
    url: "https://fn.example.com/a%20b?x=1&x=2",
    headers: [
      ["cookie", "a=b"],
      ["x-a", "1, 2"],
      ["x-case", "describe"],
    ],
    body: "grüße",
  });
});

for (const method of ["GET", "DELETE", "PATCH", "OPTIONS", "QUERY", "REPORT", "PURGE"]) {
  test(`method ${method} reaches the handler`, async () => {
    const seen = JSON.parse(await send("describe", { method }).text());
    expect(seen).toMatchObject({ method, body: null });
  });
}

test("a complete body, a first part and a streamed rest are one body", async () => {
  const exchange = send("echo", { body: "one ", open: true });
  await exchange.send(Buffer.from("two "));
  await exchange.send(Buffer.from("three"));
  exchange.stream.end();
  expect(await exchange.text()).toBe("one two three");
});

test("request and response stream at the same time", async () => {
  const exchange = send("echo", { open: true });
  await exchange.responseHead;
  for (const part of ["a", "b", "c"]) {
    const arrival = exchange.arrival();
    await exchange.send(Buffer.from(part));
    await arrival;
  }
  expect(exchange.bodyBytes).toBe(3);
  exchange.stream.end();
  expect(await exchange.text()).toBe("abc");
});

test("an empty streamed body ends", async () => {
  const exchange = send("bytes", { open: true });
  exchange.stream.end();
  expect(await exchange.text()).toBe("0");
});

test("forms and JSON are parsed by the platform", async () => {
  const type = ["content-type", "application/x-www-form-urlencoded"];
  expect(await send("form", { body: "a=1&b=2", headers: type }).text()).toBe(
    '[["a","1"],["b","2"]]',
  );
  expect(await send("json", { body: '{"a":[1]}' }).text()).toBe('{"a":[1]}');
});

for (const name of ["ignore", "cancelBody"]) {
  test(`a body that the handler does not read (${name}) does not stop the sender`, async () => {
    const exchange = send(name, { open: true });
    const chunk = new Uint8Array(64 * 1024);
    for (let i = 0; i < 64; i++) await exchange.send(chunk);
    exchange.stream.end();
    await exchange.text();
  });
}

test("reading the body after the response fails with the reason instead of hanging", async () => {
  const exchange = send("lateRead", { open: true });
  expect(await exchange.text()).toBe("answered");
  const failed = (): boolean => guest.lines.some(({ text }) => text.includes("body is gone"));
  while (!failed()) await guest.ping();
  exchange.stream.end();
});

test("server-sent events arrive one by one", async () => {
  const exchange = send("sse");
  expect(await exchange.header("content-type")).toBe("text/event-stream");
  expect(await exchange.text()).toBe("data: 0\n\ndata: 1\n\ndata: 2\n\n");
});

test("64 MiB each way leave the guest's memory within 8 MiB of where it was", async () => {
  // The first rounds bring the heap to its working size, as in any Bun server; the next must not need more.
  const megabytes64 = 64 * 1024 * 1024;
  const round = async (): Promise<void> => {
    const down = send("source");
    down.keep = false;
    const up = send("sink", { open: true });
    const chunk = new Uint8Array(64 * 1024);
    for (let i = 0; i < 1024; i++) await up.send(chunk);
    up.stream.end();
    expect(await up.text()).toBe(String(megabytes64));
    expect(await down.outcome).toBeUndefined();
    expect(down.bodyBytes).toBe(megabytes64);
  };
  await round();
  await round();
  const beforeBytes = guest.residentBytes();
  await round();
  expect(guest.residentBytes() - beforeBytes).toBeLessThan(8 * 1024 * 1024);
}, 120_000);

test("a response stream waits for credit and stops when it is cancelled", async () => {
  const exchange = send("endless", { hold: true });
  while (exchange.bodyBytes < 256 * 1024) await exchange.arrival();
  await guest.ping();
  expect(exchange.bodyBytes).toBe(256 * 1024);
  exchange.stream.cancel("client left");
  expect(await exchange.outcome).toEqual({ kind: "cancelled", message: "client left" });
  await logged(exchange, "stream cancelled: client left");
});

test("a cancel aborts both signals and is answered at once though the handler goes on", async () => {
  const exchange = send("hang");
  await logged(exchange, "hanging");
  exchange.stream.cancel("timeout");
  expect(await exchange.outcome).toEqual({ kind: "cancelled", message: "timeout" });
  await logged(exchange, "request aborted: AbortError");
  await logged(exchange, "ctx aborted: timeout");
});

test("an answer after the cancel is dropped and the guest serves on", async () => {
  const exchange = send("late");
  await logged(exchange, "waiting");
  exchange.stream.cancel("client left");
  expect(await exchange.outcome).toMatchObject({ kind: "cancelled" });
  expect(await guest.text({ headers: ["x-case", "ignore"] })).toBe("ignored");
  expect(exchange.events).not.toContain("head");
});

test("a cancel fails the read of a body that has not arrived", async () => {
  const exchange = send("hangRead", { open: true });
  await logged(exchange, "reading");
  exchange.stream.cancel("client left");
  expect(await exchange.outcome).toMatchObject({ kind: "cancelled" });
  await logged(exchange, "read failed: client left");
});
