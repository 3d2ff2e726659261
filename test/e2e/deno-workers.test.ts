import { afterAll, beforeAll, expect, test } from "bun:test";
import { startServer, type TestServer } from "./reactor.ts";

/** Functions as Deno workers through a real server: their manifest, and the worker family's own API. */
let server: TestServer;

beforeAll(async () => {
  server = await startServer({
    runtimes: "all",
    env: { REACTOR_FUNCTIONS_DENO_POD_MEMORY_MB: "400" },
  });
});

afterAll(async () => {
  await server.stop();
});

const asWorker = { runtime: "deno", isolation: "worker" };

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

async function send(method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await server.fetch(path, {
    method,
    headers: { authorization: `Bearer ${server.key}`, "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
}

test("POST /deploy, POST /invoke/{id} and DELETE /delete/{id} work as the family's text says", async () => {
  const code = 'function handler(data) { return { message: "Hello, " + data.name }; }';
  expect(await send("POST", "/deploy", { id: "hello", code })).toMatchObject({ status: 201 });
  const invoked = await send("POST", "/invoke/hello", { name: "Deno" });
  expect(invoked).toEqual({ status: 200, body: { message: "Hello, Deno" } });
  expect(await send("DELETE", "/delete/hello")).toMatchObject({
    status: 200,
    body: { status: "deleted", id: "hello" },
  });
  expect(await send("POST", "/invoke/hello", {})).toMatchObject({ status: 404 });
});

test("a redeploy of an id serves the new code, and state of the old worker is gone", async () => {
  const code = (word: string): string =>
    `let n = 0; function handler() { return { word: "${word}", n: ++n }; }`;
  await send("POST", "/deploy", { id: "twice", code: code("one") });
  expect((await send("POST", "/invoke/twice", {})).body).toEqual({ word: "one", n: 1 });
  expect((await send("POST", "/invoke/twice", {})).body).toEqual({ word: "one", n: 2 });
  await send("POST", "/deploy", { id: "twice", code: code("two") });
  expect((await send("POST", "/invoke/twice", {})).body).toEqual({ word: "two", n: 1 });
});

test("a worker that times out stays, and one that loops is replaced", async () => {
  await server.deploy(
    "slow",
    `const born = crypto.randomUUID(); export default { async fetch(request) {
      const path = new URL(request.url).pathname;
      if (path === "/wait") await new Promise(() => {});
      if (path === "/loop") for (;;);
      return Response.json(born); } };`,
    { ...asWorker, limits: { timeout_ms: 500 }, concurrency: { max_instances: 1 } },
  );
  const ask = async (path: string): Promise<[number, unknown]> => {
    const response = await server.fetch(`/fn/v1/slow${path}`);
    return [response.status, response.status === 200 ? await response.json() : undefined];
  };
  // On a busy machine one may be late to show that it still turns, and is replaced all the same.
  let stayed = false;
  for (let attempt = 0; attempt < 5 && !stayed; attempt++) {
    const before = await ask("");
    expect(before[0]).toBe(200);
    expect((await ask("/wait"))[0]).toBe(504);
    stayed = (await ask(""))[1] === before[1];
  }
  expect(stayed).toBe(true);
  const [, looped] = await ask("");
  expect((await ask("/loop"))[0]).toBe(504);
  const [status, born] = await ask("");
  expect(status).toBe(200);
  expect(born).not.toBe(looped);
});

test("the neighbours of a worker that loops move to another pod without a failed request", async () => {
  await server.deploy(
    "neighbour",
    `export default { async fetch() { await new Promise((r) => setTimeout(r, 2)); return new Response("alive"); } };`,
    asWorker,
  );
  await server.deploy(
    "spinner",
    `export default { fetch(request) { if (request.url.endsWith("/loop")) for (;;); return new Response("up"); } };`,
    { ...asWorker, limits: { timeout_ms: 300 } },
  );
  const coldStarts = async (): Promise<number> => {
    const response = await server.fetch("/fn/v1/neighbour");
    expect([response.status, await response.text()]).toEqual([200, "alive"]);
    return response.headers.get("x-reactor-cold-start") === "true" ? 1 : 0;
  };
  await coldStarts();
  expect(await (await server.fetch("/fn/v1/spinner")).text()).toBe("up");
  const looping = server.fetch("/fn/v1/spinner/loop");
  // The neighbour is asked until it was started anew, which the end of its old pod makes it.
  let started = 0;
  const ask = async (): Promise<void> => {
    for (let n = 0; n < 3000 && started === 0; n++) started += await coldStarts();
  };
  await Promise.all([ask(), ask(), ask()]);
  expect((await looping).status).toBe(504);
  expect(started).toBeGreaterThan(0);
  for (let n = 0; n < 20; n++) await coldStarts();
});

test("when a pod dies of memory, calls in flight get the typed error and its functions are back", async () => {
  const victim = `export default { async fetch(request) {
    if (new URL(request.url).pathname === "/wait") await new Promise(() => {});
    return new Response("alive"); } };`;
  const bomb = `const kept = []; export default { async fetch() {
    for (;;) { kept.push(new Uint8Array(4e6).fill(1)); await new Promise((r) => setTimeout(r, 1)); } } };`;
  await server.deploy("victim", victim, asWorker);
  await server.deploy("bomb", bomb, asWorker);
  expect(await (await server.fetch("/fn/v1/victim")).text()).toBe("alive");
  const waiting = server.fetch("/fn/v1/victim/wait");
  const exit = { reason: "memory", limit_mb: 400, pod: expect.stringMatching(/^pod_/) };
  const crashed = { error: { code: "function_crashed", details: { exit } } };
  const exploded = await server.fetch("/fn/v1/bomb");
  expect(exploded.status).toBe(500);
  expect(await exploded.json()).toMatchObject(crashed);
  expect(await (await waiting).json()).toMatchObject(crashed);
  expect(await (await server.fetch("/fn/v1/victim")).text()).toBe("alive");
});

test("log lines, secrets and env work in a worker as in a process", async () => {
  const secret = "canary-11ab-do-not-log";
  await server.client.createFunction({ name: "keeper", runtime: "deno", isolation: "worker" });
  await server.client.setEnv("keeper", { key: "TOKEN", value: secret, secret: true });
  await server.deploy(
    "keeper",
    `export default { fetch(request, ctx) {
      console.log("token", ctx.secrets.get("TOKEN"));
      return Response.json([process.env.TOKEN === ctx.secrets.get("TOKEN"), process.env.HOME ?? "none", ctx.memoryLimitMB]);
    } };`,
    asWorker,
  );
  const headers = { "x-request-id": "asked-by-a-test" };
  const response = await server.fetch("/fn/v1/keeper", { headers });
  expect(await response.json()).toEqual([true, "none", 400]);
  const lines = await server.client.readLogs("keeper", { requestId: "asked-by-a-test", limit: 9 });
  expect(lines.some((line) => line.message.startsWith("token "))).toBe(true);
  expect(JSON.stringify(lines)).not.toContain(secret);
});

test("a memory limit of a worker's own is refused", async () => {
  const refused = server.deploy("limited", "export default { fetch() {} };", {
    ...asWorker,
    limits: { memory_mb: 128 },
  });
  expect(await refused.catch(String)).toContain("a worker has no memory limit of its own");
});
