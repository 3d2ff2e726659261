import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findPostgres } from "../../src/database/postgres/find-postgres.ts";
import { templateNames } from "../../src/cli/project-templates.ts";
import { reactor, startServer, type TestServer } from "./reactor.ts";

const postgres = findPostgres({ setting: undefined, searchPath: process.env["PATH"] })[0];
const withPostgres = postgres === undefined ? test.skip : test;

/** Each template as a user takes it: written, deployed and called, all by the command line. */
let server: TestServer;
let model: ReturnType<typeof Bun.serve>;
let home: string;
const asked: { prompt: string; authorization: string | null }[] = [];

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "reactor-templates-"));
  model = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: answerAsModel });
  server = await startServer({
    args: ["--runtimes", "bun,node,deno,python"],
    env: { REACTOR_EGRESS_PRIVATE_ALLOW: `127.0.0.1:${model.port}` },
  });
});

afterAll(async () => {
  await server.stop();
  await model.stop(true);
  await rm(home, { recursive: true });
});

/** Three words as a chat completions API streams them; "fail" is refused. */
async function answerAsModel(request: Request): Promise<Response> {
  const { messages, stream } = await request.json();
  const prompt = messages[0].content;
  asked.push({ prompt, authorization: request.headers.get("authorization") });
  if (prompt === "fail") return new Response("no", { status: 429 });
  expect(stream).toBe(true);
  const events = ["Hello", ", ", "you"]
    .map((content) => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`)
    .join("");
  return new Response(`${events}data: {"choices":[]}\n\ndata: [DONE]\n\n`);
}

async function typed(words: readonly string[], cwd = ".", stdin = ""): Promise<string> {
  const env = { REACTOR_URL: server.url, REACTOR_API_KEY: server.key };
  const { code, stdout, stderr } = await reactor(words, { cwd: join(home, cwd), env, stdin });
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

function post(path: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
  return server.fetch(path, { method: "POST", body, headers });
}

const keyed = () => ({ "x-reactor-key": server.key, "content-type": "application/json" });

withPostgres(
  "todo-api keeps its todos in the database, from an empty server to the last one",
  async () => {
    await typed(["init", "--template", "todo-api", "todos"]);
    expect(await typed(["deploy"], "todos")).toMatch(/complete_todo .* POST \/todos\/:id\/done/);
    const ask = async (method: string, path: string, body?: object) => {
      const init = { method, headers: keyed(), ...(body && { body: JSON.stringify(body) }) };
      const response = await server.fetch(path, init);
      const text = await response.text();
      return [response.status, text === "" ? undefined : JSON.parse(text)];
    };
    const made = await typed(["invoke", "create_todo", "--payload", '{"title":"test"}']);
    const { id } = JSON.parse(made);
    expect(await ask("POST", "/todos", { title: "second" })).toMatchObject([
      201,
      { title: "second" },
    ]);
    expect((await ask("POST", "/todos", { title: "" }))[0]).toBe(400);
    expect(await ask("POST", `/todos/${id}/done`)).toMatchObject([
      200,
      { title: "test", done: true },
    ]);
    expect(await ask("GET", "/todos?done=false")).toMatchObject([200, [{ title: "second" }]]);
    expect((await ask("GET", "/todos"))[1]).toHaveLength(2);
    expect((await ask("DELETE", `/todos/${id}`))[0]).toBe(204);
    for (const path of [`/todos/${id}`, "/todos/x", "/todos/1%3B"]) {
      expect((await ask("DELETE", path))[0]).toBe(404);
    }
    // Deployed again there is nothing to migrate, and a migration that fails lets nothing go live.
    await typed(["deploy"], "todos");
    await writeFile(join(home, "todos/schema/002_broken.sql"), "alter table nowhere add x int;");
    const env = { REACTOR_URL: server.url, REACTOR_API_KEY: server.key };
    const broken = await reactor(["deploy"], { cwd: join(home, "todos"), env });
    expect([broken.code, broken.stderr.includes("002_broken.sql")]).toEqual([1, true]);
    expect((await server.client.getFunction("create_todo")).production?.revision).toBe(2);
  },
);

test("webhook takes what is signed with the secret and nothing else", async () => {
  await typed(["init", "--template", "webhook", "webhook"]);
  await typed(["secrets", "set", "WEBHOOK_SECRET"], "webhook", "shared-with-sender");
  await typed(["deploy"], "webhook");
  const body = JSON.stringify({ type: "paid", id: 7 });
  const signature = (text: string) =>
    `sha256=${createHmac("sha256", "shared-with-sender").update(text).digest("hex")}`;
  const good = await post("/webhook", body, { "x-hub-signature-256": signature(body) });
  expect([good.status, await good.json()]).toEqual([200, { received: true }]);
  const headers = { "x-hub-signature-256": signature("another body") };
  expect((await post("/webhook", body, headers)).status).toBe(401);
  expect((await post("/webhook", body)).status).toBe(401);
  const text = await post("/webhook", "no JSON", { "x-hub-signature-256": signature("no JSON") });
  expect(text.status).toBe(400);
  expect(await typed(["logs", "webhook"])).toContain("received");
});

test("webhook says before the deploy which secret it needs", async () => {
  await typed(["init", "--template", "webhook", "early"]);
  const env = { REACTOR_URL: server.url, REACTOR_API_KEY: server.key };
  await typed(["secrets", "unset", "WEBHOOK_SECRET"]);
  const { code, stderr } = await reactor(["deploy"], { cwd: join(home, "early"), env });
  expect([code, stderr.includes("WEBHOOK_SECRET")]).toEqual([1, true]);
});

test("ai-stream passes on the model's words, with the secret and from the URL that is set", async () => {
  await typed(["init", "--template", "ai-stream", "ai"]);
  await typed(["secrets", "set", "OPENAI_API_KEY"], "ai", "sk-0123456789");
  await typed(["secrets", "set", "AI_URL"], "ai", `http://127.0.0.1:${model.port}/`);
  await typed(["deploy"], "ai");
  const answer = await post("/chat", JSON.stringify({ prompt: "greet" }), keyed());
  expect([answer.status, await answer.text()]).toEqual([200, "Hello, you"]);
  expect(asked).toEqual([{ prompt: "greet", authorization: "Bearer sk-0123456789" }]);
  const failed = await post("/chat", JSON.stringify({ prompt: "fail" }), keyed());
  expect([failed.status, await failed.json()]).toEqual([502, { error: "the model answered 429" }]);
  expect((await post("/chat", "{}", keyed())).status).toBe(400);
});

test("python greets", async () => {
  await typed(["init", "--template", "python", "py"]);
  await typed(["deploy"], "py");
  const answer = await post("/greet", JSON.stringify({ name: "Reactor" }), keyed());
  expect(await answer.json()).toEqual({ message: "Hello, Reactor!" });
  expect((await post("/greet", "{}", keyed())).status).toBe(400);
});

test("empty takes a new function of each runtime, from any folder of the project", async () => {
  await typed(["init", "--template", "empty", "blank"]);
  const runtimes = ["bun", "node", "deno", "python"];
  await typed(["new", "on_bun"], "blank");
  for (const runtime of runtimes.slice(1)) {
    await typed(["new", `on_${runtime}`, "--runtime", runtime], "blank/functions/on_bun");
  }
  await typed(["deploy"], "blank");
  for (const runtime of runtimes) {
    const answer = await post(`/on_${runtime}`, JSON.stringify({ name: "you" }), keyed());
    expect(await answer.json()).toEqual({ message: "Hello, you!" });
  }
});

test("a template is never written over a project, nor a function over another", async () => {
  await typed(["init", "--template", "python", "once"]);
  for (const words of [
    ["init", "--template", "webhook", "once"],
    ["init", "--template", "nonsense"],
  ]) {
    expect((await reactor(words, { cwd: home })).code).not.toBe(0);
  }
  expect((await reactor(["new", "greet"], { cwd: join(home, "once") })).code).toBe(1);
  expect((await reactor(["new", "Bad Name"], { cwd: join(home, "once") })).code).toBe(2);
  expect(await readdir(join(home, "once/functions"))).toEqual(["greet"]);
});

test("every template keeps .env out of version control", async () => {
  for (const name of templateNames) {
    await typed(["init", "--template", name, `ignored-${name}`]);
    const ignored = await readFile(join(home, `ignored-${name}`, ".gitignore"), "utf8");
    expect(ignored.split("\n")).toContain(".env");
  }
});
