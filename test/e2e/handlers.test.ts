import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect } from "node:net";
import { startServer, type TestServer, until } from "./reactor.ts";

/** What becomes of each way in which a handler can go wrong, seen by a client of a real server. */
let server: TestServer;

beforeAll(async () => {
  server = await startServer();
});

afterAll(async () => {
  await server.stop();
});

interface Envelope {
  readonly error: {
    code: string;
    status: number;
    message: string;
    request_id: string;
    details: Record<string, unknown>;
  };
}

/** Whether a body arrives to its clean end or its connection breaks first. */
async function howItEnds(response: Response): Promise<"whole" | "broken"> {
  try {
    await response.arrayBuffer();
    return "whole";
  } catch {
    return "broken";
  }
}

async function failure(path: string, init?: RequestInit): Promise<Envelope["error"]> {
  const response = await server.fetch(path, init);
  const body = (await response.json()) as Envelope;
  expect(body.error.status).toBe(response.status);
  return body.error;
}

test("a handler that throws is 500 function_error, with the stack in the log only", async () => {
  await server.deploy("throws", `export default { fetch() { throw new Error("the reason"); } };`);
  const error = await failure("/fn/v1/throws");
  expect(error).toMatchObject({
    code: "function_error",
    status: 500,
    details: { function: "throws" },
  });
  expect(error.details["deployment_id"]).toMatch(/^dep_/);
  expect(error.details["duration_ms"]).toBeNumber();
  expect(JSON.stringify(error)).not.toContain("index.ts");
  const logs = await server.client.readLogs("throws");
  expect(logs.map((line) => line.message).join("\n")).toContain("the reason");
});

test("a handler that returns nothing is 500 function_error that says so", async () => {
  await server.deploy("nothing", `export default { fetch() {} };`);
  expect(await failure("/fn/v1/nothing")).toMatchObject({ code: "function_error" });
});

test("a handler that never answers is 504 function_timeout and its instance lives on", async () => {
  await server.deploy(
    "never",
    `let n = 0; export default { fetch(request) { n++;
      return new URL(request.url).pathname === "/hang" ? new Promise(() => {}) : Response.json({ n }); } };`,
    { limits: { timeout_ms: 300 }, concurrency: { max_instances: 1 } },
  );
  // While the instance is asked whether it is stuck, the next request may get another one: on a
  // machine that stalls, that start can be faster than the instance's answer.
  let counted = 1;
  for (let attempt = 0; attempt < 5 && counted === 1; attempt++) {
    expect(await failure("/fn/v1/never/hang")).toMatchObject({
      code: "function_timeout",
      status: 504,
    });
    const { n } = (await (await server.fetch("/fn/v1/never")).json()) as { n: number };
    counted = n;
  }
  expect(counted).toBeGreaterThan(1);
});

test("a handler that loops is 504 and its instance is replaced", async () => {
  await server.deploy(
    "loops",
    `let n = 0; export default { async fetch(request) { n++;
      if (new URL(request.url).pathname === "/loop") { await 0; for (;;) {} }
      return Response.json({ n }); } };`,
    { limits: { timeout_ms: 400 }, concurrency: { max_instances: 1 } },
  );
  expect(await (await server.fetch("/fn/v1/loops")).json()).toEqual({ n: 1 });
  expect((await failure("/fn/v1/loops/loop")).code).toBe("function_timeout");
  expect(await (await server.fetch("/fn/v1/loops")).json()).toEqual({ n: 1 });
});

test("a handler that exits the process is 500 function_crashed with the typed exit", async () => {
  await server.deploy("exits", `export default { fetch() { process.exit(3); } };`);
  expect(await failure("/fn/v1/exits")).toMatchObject({
    code: "function_crashed",
    details: { exit: { reason: "exited", code: 3 } },
  });
});

test("a client that leaves aborts request.signal and frees the slot", async () => {
  await server.deploy(
    "leaves",
    `export default { async fetch(request, ctx) {
      if (new URL(request.url).pathname === "/ok") return new Response("ok");
      ctx.log("it runs");
      await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
      ctx.log("the client left"); return new Response("late"); } };`,
    { concurrency: { max_instances: 1, per_instance: 1, queue_ms: 20_000 } },
  );
  // What is in flight would not do: a request of an earlier test may still be on its way out.
  const logged = async (message: string): Promise<boolean> =>
    (await server.client.readLogs("leaves")).some((line) => line.message === message);
  const leaving = new AbortController();
  const request = server.fetch("/fn/v1/leaves", { signal: leaving.signal }).catch(() => "gone");
  await until("the request runs", () => logged("it runs"));
  leaving.abort();
  expect(await request).toBe("gone");
  expect(await (await server.fetch("/fn/v1/leaves/ok")).text()).toBe("ok");
  await until("request.signal has aborted", () => logged("the client left"));
});

test("a header with CR LF never reaches the client", async () => {
  await server.deploy(
    "crlf",
    `export default { fetch() { const r = new Response("x");
      r.headers.set("x-good", "1");
      Object.defineProperty(r, "headers", { value: { forEach(f) { f("a\\r\\nset-cookie: evil=1", "x-bad"); },
        entries: () => [["x-bad", "a\\r\\nset-cookie: evil=1"]][Symbol.iterator](), getSetCookie: () => [],
        [Symbol.iterator]: () => [["x-bad", "a\\r\\nset-cookie: evil=1"]][Symbol.iterator](), toJSON: () => ({ "x-bad": "a\\r\\nset-cookie: evil=1" }) } });
      return r; } };`,
  );
  const raw = await rawRequest("GET /fn/v1/crlf HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  expect(raw).toMatch(/^HTTP\/1\.1 50[02] /);
  expect(raw).not.toMatch(/\r\nset-cookie: evil/i);
  await server.deploy(
    "crlf2",
    `export default { fetch: () => new Response("x", { headers: { "x-bad": "a\\r\\nset-cookie: evil=1" } }) };`,
  );
  expect(await failure("/fn/v1/crlf2")).toMatchObject({ code: "function_error" });
});

test("a healthy stream of ten times its timeout is not cut", async () => {
  await server.deploy(
    "long",
    `export default { fetch() { let i = 0; return new Response(new ReadableStream({ async pull(c) {
      await new Promise((r) => setTimeout(r, 100));
      if (i++ === 20) c.close(); else c.enqueue("tick\\n"); } })); } };`,
    { limits: { timeout_ms: 200, idle_timeout_ms: 1000 } },
  );
  const text = await (await server.fetch("/fn/v1/long")).text();
  expect(text.match(/tick/g)).toHaveLength(20);
});

test("a stream that stalls beyond idle_timeout_ms breaks the connection, never ends it cleanly", async () => {
  await server.deploy(
    "stalls",
    `export default { fetch() { let sent = false; return new Response(new ReadableStream({ async pull(c) {
      if (!sent) { sent = true; c.enqueue("one"); } else await new Promise(() => {}); } })); } };`,
    { limits: { idle_timeout_ms: 200 } },
  );
  const response = await server.fetch("/fn/v1/stalls");
  expect(await howItEnds(response)).toBe("broken");
});

test("a response of 100 MB is over max_body_out_mb: cut when it streams, refused when its length is known", async () => {
  await server.deploy(
    "huge",
    `export default { fetch(request) { const mb = new Uint8Array(1024 * 1024);
      if (new URL(request.url).pathname === "/whole") return new Response(new Uint8Array(100 * 1024 * 1024), { headers: { "content-length": String(100 * 1024 * 1024) } });
      let i = 0; return new Response(new ReadableStream({ pull(c) { if (i++ === 100) c.close(); else c.enqueue(mb); } })); } };`,
  );
  expect(await failure("/fn/v1/huge/whole")).toMatchObject({
    code: "response_too_large",
    status: 500,
  });
  const response = await server.fetch("/fn/v1/huge");
  expect(await howItEnds(response)).toBe("broken");
  await until("the cut is logged", async () =>
    (await server.client.readLogs("huge")).some((line) => line.message.includes("max_body_out_mb")),
  );
});

test("a 100 MB response passes when the manifest raises the cap", async () => {
  await server.deploy(
    "raised",
    `export default { fetch() { const mb = new Uint8Array(1024 * 1024); let i = 0;
      return new Response(new ReadableStream({ pull(c) { if (i++ === 100) c.close(); else c.enqueue(mb); } })); } };`,
    { limits: { max_body_out_mb: 128 } },
  );
  const body = await (await server.fetch("/fn/v1/raised")).arrayBuffer();
  expect(body.byteLength).toBe(100 * 1024 * 1024);
});

test("an instance that dies in mid-body breaks the connection", async () => {
  await server.deploy(
    "dies",
    `export default { fetch() { let n = 0; return new Response(new ReadableStream({ async pull(c) {
      if (n++ < 3) c.enqueue("x".repeat(1000)); else { await new Promise((r) => setTimeout(r, 50)); process.exit(1); } } })); } };`,
  );
  const raw = await rawRequest("GET /fn/v1/dies HTTP/1.1\r\nhost: x\r\n\r\n");
  expect(raw).toContain("xxxx");
  expect(raw).not.toEndWith("0\r\n\r\n");
});

test("responses of every kind arrive as they were made", async () => {
  await server.deploy(
    "kinds",
    `export default { fetch(request) { switch (new URL(request.url).pathname) {
      case "/empty": return new Response(null, { status: 204 });
      case "/binary": return new Response(new Uint8Array([0, 255, 1, 254]));
      case "/cookies": { const h = new Headers(); h.append("set-cookie", "a=1"); h.append("set-cookie", "b=2"); return new Response("c", { headers: h }); }
      case "/form": { const f = new FormData(); f.set("k", "v"); return new Response(f); }
      case "/echo": return new Response(request.body, { headers: { "x-method": request.method } });
      default: return Response.json({ url: request.url, path: new URL(request.url).pathname }); } } };`,
  );
  expect((await server.fetch("/fn/v1/kinds/empty")).status).toBe(204);
  const binary = await (await server.fetch("/fn/v1/kinds/binary")).arrayBuffer();
  expect([...new Uint8Array(binary)]).toEqual([0, 255, 1, 254]);
  const cookies = await server.fetch("/fn/v1/kinds/cookies");
  expect(cookies.headers.getSetCookie()).toEqual(["a=1", "b=2"]);
  const form = await (await server.fetch("/fn/v1/kinds/form")).formData();
  expect(form.get("k")).toBe("v");
  const big = new Uint8Array(3 * 1024 * 1024).fill(7);
  const echo = await server.fetch("/fn/v1/kinds/echo", { method: "PUT", body: big });
  expect(echo.headers.get("x-method")).toBe("PUT");
  expect(Buffer.from(await echo.arrayBuffer()).equals(Buffer.from(big))).toBe(true);
  expect(await (await server.fetch("/fn/v1/kinds/a/b?x=1")).json()).toMatchObject({ path: "/a/b" });
  const head = await server.fetch("/fn/v1/kinds", { method: "HEAD" });
  expect([head.status, await head.text()]).toEqual([200, ""]);
});

test("a body over max_body_in_mb is 413, announced or streamed", async () => {
  await server.deploy(
    "small",
    `export default { async fetch(r) { return new Response(String((await r.arrayBuffer()).byteLength)); } };`,
    { limits: { max_body_in_mb: 1 } },
  );
  const body = new Uint8Array(1024 * 1024 + 1);
  expect(await failure("/fn/v1/small", { method: "POST", body })).toMatchObject({
    code: "payload_too_large",
  });
  const chunked = `POST /fn/v1/small HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${`10000\r\n${"y".repeat(65536)}\r\n`.repeat(20)}0\r\n\r\n`;
  expect(await rawRequest(chunked)).toMatch(/^HTTP\/1\.1 413 /);
});

test("over the concurrency cap a request waits queue_ms and is then 429 with Retry-After: 1", async () => {
  await server.deploy(
    "busy",
    `export default { async fetch(request) { await new Promise((r) => request.signal.addEventListener("abort", r)); return new Response("x"); } };`,
    { concurrency: { max_concurrency: 1, queue_ms: 50 } },
  );
  const leaving = new AbortController();
  const held = server.fetch("/fn/v1/busy", { signal: leaving.signal }).catch(() => undefined);
  await until("a second request is refused", async () => {
    const response = await server
      .fetch("/fn/v1/busy", { signal: AbortSignal.timeout(2000) })
      .catch(() => undefined);
    return response?.status === 429 && response.headers.get("retry-after") === "1";
  });
  leaving.abort();
  await held;
});

/** Sends bytes as they are and reads until the server closes or the answer stalls at its end. */
function rawRequest(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, "127.0.0.1");
    let answer = "";
    socket.on("data", (chunk) => {
      answer += chunk.toString("latin1");
      if (/\r\n\r\n[\s\S]*\}\}$/.test(answer) || answer.endsWith("0\r\n\r\n")) socket.end();
    });
    socket.on("close", () => resolve(answer));
    socket.on("error", (error) => (answer === "" ? reject(error) : resolve(answer)));
    socket.write(text);
  });
}
