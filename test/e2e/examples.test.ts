import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash, createHmac } from "node:crypto";
import { join } from "node:path";
import { findPostgres } from "../../src/database/postgres/find-postgres.ts";
import { root, startServer, type TestServer } from "./reactor.ts";

/** The examples in JavaScript, each deployed as a user would, from its folder by the command line. */
let server: TestServer;
let upstream: ReturnType<typeof Bun.serve>;
const received: unknown[] = [];
const postgres = findPostgres({ setting: undefined, searchPath: process.env["PATH"] })[0];
/** A server with these settings finds no PostgreSQL, whatever the machine has. */
const noDatabase = { REACTOR_DATABASE_BINARIES: "/nowhere" };

beforeAll(async () => {
  upstream = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      const { pathname } = new URL(request.url);
      received.push([pathname, await request.json()]);
      return new Response("ok");
    },
  });
  server = await startServer({
    args: ["--runtimes", "bun,node,deno"],
    env: { REACTOR_EGRESS_PRIVATE_ALLOW: `127.0.0.1:${upstream.port}` },
  });
});

afterAll(async () => {
  await server.stop();
  await upstream.stop(true);
});

async function deploy(name: string, on = server): Promise<void> {
  const folder = join(root, "examples", name);
  const typed = ["functions", "deploy", name, "--dir", folder, "--create", "--promote"];
  const { code, stderr } = await on.cli(...typed);
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
}

async function ask(name: string, body: unknown, on = server): Promise<[number, unknown]> {
  const response = await on.fetch(`/fn/v1/${name}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return [response.status, await response.json()];
}

test("sse streams its events one by one", async () => {
  await deploy("sse");
  const response = await server.fetch("/fn/v1/sse?count=3&ms=300");
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  const pieces: string[] = [];
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) pieces.push(decoder.decode(chunk));
  expect(pieces.length).toBeGreaterThan(1);
  expect(pieces.join("")).toBe('data: {"chunk":0}\n\ndata: {"chunk":1}\n\ndata: {"chunk":2}\n\n');
});

test("links is a default function of the request, and leads on", async () => {
  await deploy("links");
  const known = await server.fetch("/fn/v1/links/docs", { redirect: "manual" });
  expect(known.status).toBe(302);
  expect(known.headers.get("location")).toBe("https://example.com/documentation");
  expect((await server.fetch("/fn/v1/links/nothing")).status).toBe(404);
  const { stdout } = await server.cli("functions", "get", "links", "--json");
  expect(JSON.parse(stdout)).toMatchObject({ shape: "function" });
});

describe("secrets", () => {
  test("is refused until what it declares is set, then uses its secret and never shows it", async () => {
    const folder = join(root, "examples", "secrets");
    await server.cli("functions", "create", "secrets");
    const early = await server.cli("functions", "deploy", "secrets", "--dir", folder);
    expect(early.code).toBe(1);
    expect(early.stderr).toContain("STRIPE_SECRET_KEY");
    const secret = "sk_test_of_the_example";
    const env = { key: "STRIPE_SECRET_KEY", value: secret, secret: true };
    await server.client.setEnv("secrets", env);
    await server.cli("functions", "env", "set", "secrets", "STRIPE_PUBLIC_KEY", "pk_test");
    await deploy("secrets");
    const shown = await server.fetch("/fn/v1/secrets");
    expect(await shown.json()).toEqual({ publicKey: "pk_test" });
    const body = '{"type":"charge.succeeded"}';
    const signed = (key: string): Promise<Response> =>
      server.fetch("/fn/v1/secrets", {
        method: "POST",
        headers: { "x-signature": createHmac("sha256", key).update(body).digest("hex") },
        body,
      });
    expect((await signed(secret)).status).toBe(200);
    expect((await signed("another")).status).toBe(401);
    const { stdout } = await server.cli("functions", "logs", "secrets");
    expect(stdout).toContain("webhook accepted");
    expect(stdout).not.toContain(secret);
  });
});

async function exerciseTodo(on = server): Promise<void> {
  const todo = { id: 1, title: "write tests", done: false };
  expect(await ask("todo", { action: "create", title: todo.title }, on)).toEqual([200, todo]);
  expect(await ask("todo", { action: "complete", id: 1 }, on)).toEqual([
    200,
    { ...todo, done: true },
  ]);
  expect(await ask("todo", { action: "complete", id: 9 }, on)).toEqual([
    404,
    { error: "No such todo" },
  ]);
  expect(await ask("todo", { action: "list", done: false }, on)).toEqual([200, []]);
  expect(await ask("todo", { action: "list" }, on)).toEqual([200, [{ ...todo, done: true }]]);
  expect(await ask("todo", { action: "create", title: "" }, on)).toMatchObject([
    400,
    { error: { code: "input_validation_error" } },
  ]);
}

test("todo creates, completes and lists in memory where there is no database", async () => {
  const bare = await startServer({ args: ["--runtimes", "bun"], env: noDatabase });
  try {
    await deploy("todo", bare);
    await exerciseTodo(bare);
  } finally {
    await bare.stop();
  }
}, 60_000);

test.skipIf(postgres === undefined)(
  "todo keeps its list in the project's database, across instances and deployments (needs PostgreSQL)",
  async () => {
    await deploy("todo");
    await exerciseTodo();
    const rows = await server.client.queryDatabase({ sql: "select title, done from todos" });
    expect(rows).toMatchObject({ rows: [["write tests", true]] });
    await deploy("todo");
    const [status, todos] = await ask("todo", { action: "list" });
    expect([status, todos]).toEqual([200, [{ id: 1, title: "write tests", done: true }]]);
  },
  60_000,
);

test("commonjs runs on Node", async () => {
  await deploy("commonjs");
  const sha256 = createHash("sha256").update("hello").digest("hex");
  expect(await ask("commonjs", { text: "hello" })).toEqual([200, { sha256 }]);
  expect(await ask("commonjs", {})).toEqual([400, { error: "text is missing" }]);
});

test("worker keeps its memory between calls", async () => {
  await deploy("worker");
  for (const calls of [1, 2]) {
    expect(await ask("worker", { name: "you" })).toEqual([200, { message: "Hello, you", calls }]);
  }
});

test("notify tells both of its targets", async () => {
  const target = `http://127.0.0.1:${upstream.port}`;
  await server.cli("functions", "create", "notify", "--runtime", "deno", "--isolation", "worker");
  const hook = { key: "SLACK_WEBHOOK_URL", value: `${target}/services/T0/B0/x`, secret: true };
  await server.client.setEnv("notify", hook);
  await server.cli("functions", "env", "set", "notify", "PROVISIONING_URL", target);
  await deploy("notify");
  expect(await ask("notify", { projectId: "prj-7", tier: "small" })).toEqual([
    200,
    { notified: true, extensionInstalled: true },
  ]);
  expect(received).toEqual([
    ["/services/T0/B0/x", { text: "DB prj-7 is ready!" }],
    [
      "/api/provision/prj-7/migrations",
      { sql: "CREATE EXTENSION IF NOT EXISTS vector", version: "001", name: "pgvector" },
    ],
  ]);
});
