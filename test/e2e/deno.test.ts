import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunResult, reactor, startServer, type TestServer } from "./reactor.ts";

/** Deno functions through a real server, with commands as the Flux family's own text types them. */
let server: TestServer;
let home: string;

const typed = (...args: string[]): Promise<RunResult> =>
  reactor(args, { cwd: home, env: { REACTOR_URL: server.url, REACTOR_API_KEY: server.key } });

beforeAll(async () => {
  server = await startServer({ runtimes: "all" });
  home = await mkdtemp(join(tmpdir(), "reactor-home-"));
});

afterAll(async () => {
  await server.stop();
  await rm(home, { recursive: true, force: true });
});

function post(name: string, body: unknown): Promise<Response> {
  const headers = { "content-type": "application/json", "x-request-id": "asked-by-a-test" };
  return server.fetch(`/fn/v1/${name}`, { method: "POST", headers, body: JSON.stringify(body) });
}

const asDeno = { runtime: "deno" };

test("a flux.json without a runtime means deno, and flux invoke and flux logs work on it", async () => {
  const folder = join(home, "functions", "create_todo");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "flux.json"), '{ "name": "create_todo" }');
  await writeFile(
    join(folder, "index.ts"),
    `import { defineFunction } from "@flux/functions";
    export default defineFunction({
      name: "create_todo",
      handler: async ({ input, ctx }) => {
        ctx.log("invoked with", input);
        return { todo: input.title, deno: typeof Deno === "object" ? Deno.version.deno : "none" };
      },
    });`,
  );
  const deployed = await typed(
    "functions",
    "deploy",
    "create_todo",
    "--dir",
    folder,
    "--create",
    "--promote",
  );
  expect(deployed).toMatchObject({ code: 0 });
  const invoked = await typed("invoke", "create_todo", "--payload", '{"title":"test"}');
  expect(invoked).toMatchObject({ code: 0 });
  expect(invoked.stdout).toContain('"todo":"test"');
  expect(invoked.stdout).toMatch(/"deno":"\d+\.\d+\.\d+"/);
  const logs = await typed("logs", "create_todo");
  expect(logs.stdout).toContain('invoked with { title: "test" }');
  const { stdout } = await typed("functions", "get", "create_todo", "--json");
  expect(JSON.parse(stdout)).toMatchObject({ runtime: "deno", shape: "define_function" });
});

test("every handler shape of JavaScript runs on Deno", async () => {
  const shapes = {
    fetch: "export default { fetch: async (request) => Response.json(await request.json()) };",
    function: "export default async (request) => Response.json(await request.json());",
    event: "export function handler(event) { return event; }",
    bare: "function handler(data) { return data; }",
    common: "exports.handler = async (event) => event;",
  };
  for (const [name, source] of Object.entries(shapes)) {
    await server.deploy(`shape-${name}`, source, asDeno);
    const response = await post(`shape-${name}`, { n: 1 });
    expect([name, response.status, await response.json()]).toEqual([name, 200, { n: 1 }]);
  }
});

test("server-sent events arrive as they are sent", async () => {
  await server.deploy(
    "ticks",
    `let release; const released = new Promise((resolve) => { release = resolve; });
    export default { fetch(request) {
      if (new URL(request.url).pathname === "/release") { release(); return new Response("ok"); }
      const body = new ReadableStream({ async start(controller) {
        const send = (text) => controller.enqueue(new TextEncoder().encode("data: " + text + "\\n\\n"));
        send("first"); await released; send("second"); controller.close();
      } });
      return new Response(body, { headers: { "content-type": "text/event-stream" } });
    } };`,
    { ...asDeno, concurrency: { max_instances: 1 } },
  );
  const response = await server.fetch("/fn/v1/ticks");
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  const reader = response.body?.getReader();
  const read = async (): Promise<string> =>
    new TextDecoder().decode((await reader?.read())?.value ?? new Uint8Array());
  expect(await read()).toBe("data: first\n\n");
  await (await server.fetch("/fn/v1/ticks/release")).text();
  expect(await read()).toBe("data: second\n\n");
});

test("secrets and env are in ctx and process.env, and secrets are masked in the log", async () => {
  const secret = "canary-b7d0-do-not-log";
  await server.client.createFunction({ name: "keeper", runtime: "deno" });
  await server.client.setEnv("keeper", { key: "TOKEN", value: secret, secret: true });
  await server.client.setEnv("keeper", { key: "REGION", value: "north", secret: false });
  await server.deploy(
    "keeper",
    `export default { fetch(request, ctx) {
      console.log("token", ctx.secrets.get("TOKEN"));
      return Response.json([process.env.TOKEN === ctx.secrets.get("TOKEN"), Deno.env.get("REGION"), ctx.env.REGION, process.env.HOME ?? "none"]);
    } };`,
    asDeno,
  );
  expect(await (await post("keeper", {})).json()).toEqual([true, "north", "north", "none"]);
  const lines = await server.client.readLogs("keeper", { limit: 100 });
  expect(lines.some((line) => line.message.startsWith("token "))).toBe(true);
  expect(JSON.stringify(lines)).not.toContain(secret);
});

test("log lines of 16 requests at once carry each request's own id", async () => {
  await server.deploy(
    "mixed",
    `export default { async fetch(request, ctx) {
      const me = new URL(request.url).searchParams.get("n");
      for (let i = 0; i < 5; i++) { console.log("line", me, i); process.stdout.write("raw " + me + " " + i + "\\n"); await new Promise((r) => setTimeout(r, 1)); }
      return new Response("ok"); } };`,
    { ...asDeno, concurrency: { max_instances: 1, per_instance: 16, max_concurrency: 16 } },
  );
  const numbers = Array.from({ length: 16 }, (_, n) => n);
  await Promise.all(
    numbers.map(async (n) => {
      const headers = { "x-request-id": `mixed-${n}` };
      return (await server.fetch(`/fn/v1/mixed?n=${n}`, { headers })).text();
    }),
  );
  for (const n of numbers) {
    const lines = await server.client.readLogs("mixed", { requestId: `mixed-${n}`, limit: 100 });
    const spoken = lines.map((line) => line.message).filter((text) => /^(line|raw) /.test(text));
    expect([n, spoken.length]).toEqual([n, 10]);
    expect(spoken.every((text) => text.split(" ")[1] === String(n))).toBe(true);
  }
});

test("a handler that loops is 504 and a new instance serves", async () => {
  await server.deploy(
    "spins",
    `export default { fetch(request) { if (new URL(request.url).pathname === "/spin") for (;;); return new Response("alive"); } };`,
    { ...asDeno, limits: { timeout_ms: 300 } },
  );
  expect((await server.fetch("/fn/v1/spins/spin")).status).toBe(504);
  expect(await (await server.fetch("/fn/v1/spins")).text()).toBe("alive");
});

test("a module that cannot be loaded is a failed deployment whose log names the place", async () => {
  const sources = {
    syntax: ["export default {\n  fetch( { return 1 }\n};", "index.ts:2"],
    export: ["export const answer = 42;", "handler"],
    missing: ['import "./not-there.js";\nexport default { fetch() {} };', "not-there.js"],
    exit: ["Deno.exit(7);\nexport default { fetch() {} };", "exited with code 7"],
    throws: ["\n\nthrow new Error('planned');\nexport default { fetch() {} };", "index.ts:3"],
  } as const;
  for (const [name, [source, part]] of Object.entries(sources)) {
    const failure = await server.deploy(`bad-${name}`, source, asDeno).catch(String);
    expect([name, failure]).toEqual([name, expect.stringContaining(part)]);
  }
});
