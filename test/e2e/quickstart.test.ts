import { afterAll, beforeAll, expect, test } from "bun:test";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunResult, reactor, root, startServer, type TestServer, until } from "./reactor.ts";

/** The commands of the first half of the Reactor family's own text, typed as they stand there. */
let server: TestServer;
let home: string;
let firstDeployment = "";

const typed = (...args: string[]): Promise<RunResult> =>
  reactor(args, { cwd: home, env: { REACTOR_URL: server.url, REACTOR_API_KEY: server.key } });

const sourceHandler = `export default {
async fetch(request: Request): Promise<Response> {
const { name = 'World' } = await request.json().catch(() => ({}));
return Response.json({ message: \`Hello, \${name}!\` });
},
};
`;

beforeAll(async () => {
  server = await startServer({ runtimes: "all" });
  home = await mkdtemp(join(tmpdir(), "reactor-home-"));
  await cp(join(root, "examples/hello"), join(home, "functions/hello"), { recursive: true });
  await rm(join(home, "functions/hello/reactor.json"));
  await writeFile(join(home, "functions/hello/code/index.ts"), sourceHandler);
});

afterAll(async () => {
  await server.stop();
  await rm(home, { recursive: true, force: true });
});

test("functions create hello --runtime bun", async () => {
  const result = await typed("functions", "create", "hello", "--runtime", "bun");
  expect(result).toMatchObject({ code: 0 });
  expect(result.stdout).toContain("hello");
});

test("functions deploy hello --dir ./functions/hello", async () => {
  const result = await typed("functions", "deploy", "hello", "--dir", "./functions/hello");
  expect(result).toMatchObject({ code: 0 });
  firstDeployment = /dep_[0-9a-z]{26}/.exec(result.stdout)?.[0] ?? "";
  expect(firstDeployment).toStartWith("dep_");
});

test("a deployed function that was not promoted answers 503 deployment_not_ready", async () => {
  const response = await server.fetch("/fn/v1/hello", {
    headers: { authorization: `Bearer ${server.key}` },
  });
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ error: { code: "deployment_not_ready" } });
  expect(response.headers.get("retry-after")).not.toBeNull();
});

test("functions promote hello", async () => {
  expect(await typed("functions", "promote", "hello")).toMatchObject({ code: 0 });
});

test(`functions invoke hello --json '{"name":"Reactor"}'`, async () => {
  const result = await typed("functions", "invoke", "hello", "--json", '{"name":"Reactor"}');
  expect(result).toMatchObject({ code: 0 });
  expect(result.stdout).toContain(`{"message":"Hello, Reactor!"}`);
});

test("an invocation without a key is refused with 401 and the envelope", async () => {
  const response = await server.fetch("/fn/v1/hello");
  expect(response.status).toBe(401);
  expect(await response.json()).toMatchObject({ error: { code: "auth_required", status: 401 } });
});

test("every answer has the platform's headers", async () => {
  const response = await server.fetch("/fn/v1/hello", {
    method: "POST",
    body: "{}",
    headers: { authorization: `Bearer ${server.key}`, "x-request-id": "mine-1" },
  });
  expect(await response.json()).toEqual({ message: "Hello, World!" });
  expect(response.headers.get("x-reactor-function")).toBe("hello@1");
  expect(response.headers.get("x-reactor-cold-start")).toBe("false");
  expect(Number(response.headers.get("x-reactor-duration-ms"))).toBeGreaterThanOrEqual(0);
  expect(response.headers.get("x-request-id")).toBe("mine-1");
  expect(response.headers.get("server-timing")).toMatch(/queue.*start.*handler/);
});

test("env set --secret reads the value from stdin, and the secrets example of the text runs", async () => {
  const set = await reactor(["functions", "env", "set", "hello", "STRIPE_SECRET_KEY", "--secret"], {
    cwd: home,
    env: { REACTOR_URL: server.url, REACTOR_API_KEY: server.key },
    stdin: "sk_secret_canary_4711\n",
  });
  expect(set).toMatchObject({ code: 0 });
  expect(
    await typed("functions", "env", "set", "hello", "STRIPE_PUBLIC_KEY", "sk_live_..."),
  ).toMatchObject({ code: 0 });
  await writeFile(
    join(home, "functions/hello/manifest.json"),
    `{
"name": "hello",
"runtime": "bun",
"entrypoint": "code/index.ts",
"env_keys": ["STRIPE_PUBLIC_KEY"],
"secret_keys": ["STRIPE_SECRET_KEY"]
}`,
  );
  await writeFile(
    join(home, "functions/hello/code/index.ts"),
    `export default { fetch: (request, ctx) => Response.json({
      env: process.env.STRIPE_PUBLIC_KEY, secret: process.env.STRIPE_SECRET_KEY?.length,
      ctx: ctx.env.STRIPE_PUBLIC_KEY, got: ctx.secrets.get("STRIPE_SECRET_KEY").length }) };`,
  );
  expect(await typed("functions", "deploy", "hello", "--dir", "./functions/hello")).toMatchObject({
    code: 0,
  });
  expect(await typed("functions", "promote", "hello")).toMatchObject({ code: 0 });
  const invoked = await typed("functions", "invoke", "hello");
  expect(JSON.parse(invoked.stdout)).toEqual({
    env: "sk_live_...",
    secret: 21,
    ctx: "sk_live_...",
    got: 21,
  });
  const list = await typed("functions", "env", "list", "hello", "--json");
  expect(list.stdout).toContain("STRIPE_SECRET_KEY");
  expect(list.stdout).not.toContain("canary");
});

test("the streaming example of the text arrives chunk by chunk", async () => {
  await server.deploy(
    "sse",
    `// Inside your function handler
export default {
async fetch(): Promise<Response> {
const stream = new ReadableStream({
async start(controller) {
for (let i = 0; i < 10; i++) {
controller.enqueue(\`data: \${JSON.stringify({ chunk: i })}\\n\\n\`);
await new Promise((r) => setTimeout(r, 20));
}
controller.close();
},
});
return new Response(stream, {
headers: { 'Content-Type': 'text/event-stream' },
});
},
};`,
  );
  const response = await server.fetch("/fn/v1/sse");
  expect(response.headers.get("content-type")).toBe("text/event-stream");
  let chunks = 0;
  let text = "";
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    chunks += 1;
    text += new TextDecoder().decode(chunk);
  }
  expect(text.match(/data: /g)).toHaveLength(10);
  // A busy machine joins some of them.
  expect(chunks).toBeGreaterThan(1);
});

test("deployments list and rollback --to-deployment go back to the first version", async () => {
  const list = await typed("functions", "deployments", "list", "hello");
  expect(list).toMatchObject({ code: 0 });
  expect(list.stdout).toContain(firstDeployment);
  expect(
    await typed("functions", "rollback", "hello", "--to-deployment", firstDeployment),
  ).toMatchObject({ code: 0 });
  const invoked = await typed("functions", "invoke", "hello", "--json", '{"name":"again"}');
  expect(invoked.stdout).toContain("Hello, again!");
});

test("functions logs hello --follow shows a line as it is written and ends on Ctrl-C", async () => {
  await server.deploy(
    "talk",
    `export default { fetch() { console.log("spoken aloud"); return new Response("ok"); } };`,
  );
  const child = Bun.spawn([join(root, "bin/reactor"), "functions", "logs", "talk", "--follow"], {
    env: {
      PATH: process.env["PATH"] ?? "",
      REACTOR_URL: server.url,
      REACTOR_API_KEY: server.key,
    },
    stdout: "pipe",
    stderr: "pipe",
  });
  let printed = "";
  const reading = (async () => {
    for await (const chunk of child.stdout) printed += new TextDecoder().decode(chunk);
  })();
  await (await server.fetch("/fn/v1/talk")).text();
  await until("the line is printed", () => printed.includes("spoken aloud"));
  child.kill("SIGINT");
  expect(await child.exited).toBe(0);
  await reading;
});

test("a wrong command says what to try next", async () => {
  const missing = await typed("functions", "promote", "helo");
  expect(missing.code).toBe(1);
  expect(missing.stderr).toContain("helo");
  const usage = await typed("functions", "promot");
  expect(usage.code).toBe(2);
});
