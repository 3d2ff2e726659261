import { afterEach, describe, expect, test } from "bun:test";
import { answerByFetch } from "./answer-by-fetch.ts";
import { HttpBench } from "./http-server.harness.ts";

const open: HttpBench[] = [];
const failures: string[] = [];

async function serve(
  fetch: (request: Request) => Response | Promise<Response>,
): Promise<HttpBench> {
  const bench = await HttpBench.open();
  bench.handler = ({ http }) => {
    const malformed = (cause: unknown): Response => new Response(String(cause), { status: 400 });
    answerByFetch(http, { fetch, malformed }).catch((error: unknown) => {
      failures.push(String(error));
    });
  };
  open.push(bench);
  return bench;
}

afterEach(async () => {
  failures.length = 0;
  for (const bench of open.splice(0)) await bench.close();
});

async function until(check: () => boolean): Promise<void> {
  while (!check()) await new Promise<void>((resolve) => setImmediate(resolve));
}

const url = (bench: HttpBench): string => `http://127.0.0.1:${bench.server.port}`;

describe("answerByFetch()", () => {
  test("gives method, URL, headers and body, and sends what comes back with its length", async () => {
    const bench = await serve(async (request) => {
      const text = `${request.method} ${request.url} ${request.headers.get("x-a")} ${await request.text()}`;
      const headers = new Headers({ "X-B": "1" });
      headers.append("Set-Cookie", "a=1");
      headers.append("Set-Cookie", "b=2");
      return new Response(text, { status: 201, headers });
    });
    const body = "x".repeat(300_000);
    const response = await fetch(`${url(bench)}/p?q=1`, {
      method: "POST",
      body,
      headers: { "X-A": "é" },
    });
    expect(response.status).toBe(201);
    expect(response.headers.get("x-b")).toBe("1");
    expect(response.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
    expect(await response.text()).toBe(`POST ${url(bench)}/p?q=1 é ${body}`);
    const small = (await fetch(url(bench))).headers.get("content-length");
    expect(Number(small)).toBeGreaterThan(0);
  });

  test("reads no more of a body than is asked for", async () => {
    let taken = 0;
    const go = Promise.withResolvers<void>();
    const bench = await serve(async (request) => {
      const reader = request.body?.getReader();
      taken += (await reader?.read())?.value?.length ?? 0;
      await go.promise;
      for (let part = await reader?.read(); part?.value; part = await reader?.read()) {
        taken += part.value.length;
      }
      return new Response("done");
    });
    const client = await bench.raw();
    client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n");
    for (let i = 0; i < 20; i++) client.socket.write(Buffer.alloc(1_000_000));
    await until(() => taken > 0);
    for (let i = 0; i < 20; i++) await bench.settle();
    expect(taken).toBeLessThan(2_000_000);
    expect(client.socket.writableLength).toBeGreaterThan(5_000_000);
    go.resolve();
    await client.until("done");
    expect(taken).toBe(20_000_000);
    client.destroy();
  });

  test("sends a stream as it comes, as fast as the client takes it", async () => {
    let pulled = 0;
    const bench = await serve(
      () =>
        new Response(
          new ReadableStream<Uint8Array>({
            pull(controller) {
              pulled += 1;
              controller.enqueue(new Uint8Array(100_000));
            },
          }),
        ),
    );
    const client = await bench.raw();
    client.socket.pause();
    client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await until(() => pulled > 1);
    for (let i = 0; i < 30; i++) await bench.settle();
    expect(pulled).toBeLessThan(200);
    const before = pulled;
    client.socket.resume();
    await until(() => pulled > before + 100);
    client.destroy();
  });

  test("aborts the request's signal and cancels the body when the client leaves", async () => {
    const events: string[] = [];
    const bench = await serve((request) => {
      request.signal.addEventListener("abort", () => events.push("aborted"));
      return new Response(
        new ReadableStream({
          start: (controller) => controller.enqueue(new TextEncoder().encode("data: 1\n\n")),
          cancel: () => void events.push("cancelled"),
        }),
      );
    });
    const client = await bench.raw();
    client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await client.until("data: 1");
    client.destroy();
    await until(() => events.length === 2);
    expect(events.sort()).toEqual(["aborted", "cancelled"]);
  });

  test("cuts the connection when handler or stream fail, so that half an answer does not look whole", async () => {
    const bench = await serve(({ url: asked }) => {
      if (asked.endsWith("/throws")) throw new Error("no answer");
      let isFirst = true;
      return new Response(
        new ReadableStream({
          async pull(controller) {
            if (isFirst) controller.enqueue(new TextEncoder().encode("half"));
            else {
              await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
              controller.error(new Error("broken"));
            }
            isFirst = false;
          },
        }),
      );
    });
    expect(await bench.send("GET /throws HTTP/1.1\r\nHost: a\r\n\r\n")).toBe("");
    const half = await bench.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    expect(half).toEndWith("4\r\nhalf\r\n");
    expect(failures).toEqual(["Error: no answer", "Error: broken"]);
  });

  test("answers what has no form in the web platform as malformed", async () => {
    const bench = await serve(() => new Response("reached"));
    const text = await bench.send("TRACE / HTTP/1.1\r\nHost: [::::1]\r\nConnection: close\r\n\r\n");
    expect(text).toStartWith("HTTP/1.1 400 ");
  });
});
