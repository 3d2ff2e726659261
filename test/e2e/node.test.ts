import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { root, startServer, type TestServer, until } from "./reactor.ts";

/** Node functions through a real server, typed as the source texts type Bun's. */
let server: TestServer;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "reactor-node-"));
  server = await startServer({ runtimes: "all" });
});

afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Writes a function's folder. */
async function write(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const path = join(folder, name);
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, file)), { recursive: true });
    await writeFile(join(path, file), text);
  }
  return path;
}

/** Types a command; throws unless it ends with 0. */
async function typed(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await server.cli(...args);
  if (code !== 0) throw new Error(`reactor ${args.join(" ")} ended with ${code}: ${stderr}`);
  return stdout;
}

async function deployNode(
  name: string,
  source: string,
  manifest: Record<string, unknown> = {},
): Promise<void> {
  await server.deploy(name, source, { runtime: "node", ...manifest });
}

function post(name: string, body: string): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return server.fetch(`/fn/v1/${name}`, { method: "POST", headers, body });
}

async function recordedShape(name: string): Promise<unknown> {
  const found = JSON.parse(await typed("functions", "get", name, "--json")) as { shape: unknown };
  return found.shape;
}

test("create --runtime node, deploy --promote and invoke, typed", async () => {
  const path = await write("hello-node", {
    "code/index.ts": `export default { fetch(request: Request): Response {
  return Response.json({ runtime: process.release.name, bun: "Bun" in globalThis });
} };`,
    "reactor.json": `{ "access": "public" }`,
  });
  await typed("functions", "create", "hello-node", "--runtime", "node");
  await typed("functions", "deploy", "hello-node", "--dir", path, "--promote");
  const printed = await typed("functions", "invoke", "hello-node");
  expect(printed).toContain('{"runtime":"node","bun":false}');
  const response = await server.fetch("/fn/v1/hello-node");
  expect(response.headers.get("x-reactor-function")).toBe("hello-node@1");
  const health = await (await server.fetch("/fn/v1/health")).json();
  expect(health).toMatchObject({ runtimes: { node: true } });
});

test('a flux.json with "runtime": "node" is a Node function', async () => {
  const path = await write("fluxed", {
    "index.ts": `import { defineFunction } from "@flux/functions";
export default defineFunction({ name: "fluxed", handler: async ({ input }) => ({ node: process.versions.node.split(".").length, input }) });`,
    "flux.json": `{ "name": "fluxed", "runtime": "node" }`,
  });
  await typed("functions", "create", "fluxed", "--runtime", "node");
  await typed("functions", "deploy", "fluxed", "--dir", path, "--promote");
  expect(await typed("functions", "invoke", "fluxed", "--payload", '{"a":1}')).toContain(
    '{"node":3,"input":{"a":1}}',
  );
  expect(await recordedShape("fluxed")).toBe("define_function");
});

test.each([
  ["calculator", "event", '{"operation":"add","a":10,"b":5}', { result: 15 }],
  ["greeting", "define_function", '{"name":"you","times":1}', { greetings: ["Hello, you!"] }],
  ["hello", "fetch", '{"name":"you"}', { message: "Hello, you!" }],
])("the %s example is served with shape %s", async (name, shape, body, answer) => {
  await deployNode(name, await readFile(join(root, "examples", name, "code", "index.ts"), "utf8"));
  expect(await (await post(name, body)).json()).toEqual(answer);
  expect(await recordedShape(name)).toBe(shape);
});

const events: Readonly<Record<string, string>> = {
  "a bare function": "function handler(data) { return { doubled: data.n * 2 }; }",
  "an export": "export const handler = async (event) => ({ doubled: event.n * 2 });",
  "an export of CommonJS":
    'const { sep } = require("node:path"); exports.handler = async (event) => ({ doubled: event.n * 2 * sep.length });',
};

test.each(Object.keys(events))("handler(event) as %s", async (how) => {
  const name = how.replaceAll(" ", "-").toLowerCase();
  await deployNode(name, events[how] as string);
  expect(await (await post(name, '{"n":21}')).json()).toEqual({ doubled: 42 });
  expect(await recordedShape(name)).toBe("event");
});

test("server-sent events leave one by one, and a client that leaves ends the stream", async () => {
  await deployNode(
    "events",
    `export default {
async fetch(): Promise<Response> {
const stream = new ReadableStream({
async start(controller) {
for (let i = 0; i < 10; i++) {
controller.enqueue(\`data: \${JSON.stringify({ chunk: i })}\\n\\n\`);
await new Promise((r) => setTimeout(r, 200));
}
controller.close();
},
cancel() { console.log("the client left"); },
});
return new Response(stream, { headers: { "content-type": "text/event-stream" } });
},
};`,
  );
  const left = new AbortController();
  const response = await server.fetch("/fn/v1/events", { signal: left.signal });
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += new TextDecoder().decode(chunk);
    if (text.includes('"chunk":2')) break;
  }
  left.abort();
  expect(text).toBe([0, 1, 2].map((chunk) => `data: {"chunk":${chunk}}\n\n`).join(""));
  await until("the stream is cancelled", async () =>
    (await server.client.readLogs("events", {})).some((line) => line.message === "the client left"),
  );
});

test("a secret that the CLI sets is in process.env and ctx.secrets, and masked in the log", async () => {
  const source = `export default { fetch: (request, ctx) => {
  console.log("token is " + process.env.TOKEN);
  return Response.json([process.env.TOKEN === ctx.secrets.get("TOKEN"), process.env.TOKEN.length]);
} };`;
  await server.client.createFunction({ name: "secretive", runtime: "node" });
  await typed("functions", "env", "set", "secretive", "TOKEN", "canary-5f2b", "--secret");
  await deployNode("secretive", source);
  expect(await (await server.fetch("/fn/v1/secretive")).json()).toEqual([true, 11]);
  const lines = (await server.client.readLogs("secretive", {})).map(({ message }) => message);
  expect(lines.find((line) => line.startsWith("token is"))).toBe("token is [secret]");
});

test("lines of 16 requests at once carry each request's own id", async () => {
  await deployNode(
    "mixed",
    `import { writeSync } from "node:fs";
export default { async fetch(request, ctx) {
  const me = new URL(request.url).searchParams.get("n");
  for (let i = 0; i < 5; i++) {
    console.log("line", me, i); ctx.log("ctx", me, i); process.stdout.write("raw " + me + " " + i + "\\n"); writeSync(2, "fs " + me + " " + i + "\\n");
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return new Response("ok");
} };`,
    { concurrency: { max_instances: 1, per_instance: 16, max_concurrency: 16 } },
  );
  const ask = async (n: number): Promise<string> =>
    (
      await server.fetch(`/fn/v1/mixed?n=${n}`, { headers: { "x-request-id": `request-${n}` } })
    ).text();
  await Promise.all(Array.from({ length: 16 }, (_, n) => ask(n)));
  for (let n = 0; n < 16; n++) {
    const lines = await server.client.readLogs("mixed", { requestId: `request-${n}`, limit: 1000 });
    const spoken = lines
      .map(({ message }) => message)
      .filter((text) => /^(line|ctx|raw|fs) /.test(text));
    expect(spoken).toHaveLength(20);
    expect(spoken.every((text) => text.split(" ")[1] === String(n))).toBe(true);
  }
});

test("an error of the handler is logged with the author's file and line", async () => {
  await deployNode(
    "failing",
    `type A = 1;\nexport default { async fetch() {\n  throw new Error("planned");\n} };`,
  );
  expect((await server.fetch("/fn/v1/failing")).status).toBe(500);
  const lines = (await server.client.readLogs("failing", {})).map(({ message }) => message);
  expect(lines.join("\n")).toMatch(/Error: planned\n\s+at .*index\.ts:3:/);
});

test("a Node function imports a binary file as its bytes", async () => {
  const files = new Map<string, Uint8Array>([
    ["reactor.json", Buffer.from(JSON.stringify({ runtime: "node" }))],
    [
      "index.js",
      Buffer.from(
        'import bytes from "./m.wasm"; export default { fetch: () => new Response([...bytes].join()) };',
      ),
    ],
    ["m.wasm", Buffer.from([0, 97, 115, 109, 255])],
  ]);
  const deployment = await server.client.deploy("binary", {
    files,
    promote: true,
    createFunction: true,
  });
  expect(deployment.status).toBe("ready");
  expect((await server.cli("invoke", "binary")).stdout).toContain("0,97,115,109,255");
});
