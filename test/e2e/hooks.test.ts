import { afterAll, beforeAll, expect, test } from "bun:test";
import { startServer, type TestServer, until } from "./reactor.ts";

/** Provisioning hooks on a real server, asked for as a provisioning service does. */
let server: TestServer;
let upstream: ReturnType<typeof Bun.serve>;
const told: [path: string, body: unknown][] = [];
/** What requests to the upstream wait for. */
let held = Promise.resolve();

beforeAll(async () => {
  upstream = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      told.push([new URL(request.url).pathname, await request.json()]);
      await held;
      return Response.json({});
    },
  });
  server = await startServer({
    env: { REACTOR_EGRESS_PRIVATE_ALLOW: `127.0.0.1:${upstream.port}` },
  });
});
afterAll(async () => {
  await server.stop();
  await upstream.stop(true);
});

const provisioned = {
  projectId: "prj-7",
  tier: "small",
  databaseType: "postgres",
  credentials: { host: "db-7.internal", port: 54_321, password: "pa$$" },
};

interface Result {
  readonly function: string;
  readonly state: string;
  readonly status: number | null;
  readonly error: { readonly code: string } | null;
  readonly body: unknown;
}

async function ask(
  point: string,
  body: unknown,
  key: string | undefined = server.key,
): Promise<{ status: number; json: Record<string, unknown> }> {
  const response = await server.fetch(`/api/v1/hooks/${point}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

/** What each bound function came to. */
async function results(point: string, context: unknown): Promise<readonly Result[]> {
  const { status, json } = await ask(point, context);
  expect(status).toBe(200);
  return json["results"] as readonly Result[];
}

test("the source's example runs at its point with the documented context", async () => {
  const target = `http://127.0.0.1:${upstream.port}`;
  // As the source types it; only the two hosts are this test's.
  const source = `async function handler(ctx) {
  // Notify Slack
  await fetch("https://hooks.slack.com/services/...", {
    method: "POST",
    body: JSON.stringify({ text: \`DB \${ctx.projectId} is ready!\` })
  });

  // Install pgvector
  await fetch(\`http://provisioning-svc/api/provision/\${ctx.projectId}/migrations\`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ sql: "CREATE EXTENSION IF NOT EXISTS vector", version: "001", name: "pgvector" })
  });

  return { notified: true, extensionInstalled: true };
}
`
    .replace("https://hooks.slack.com", target)
    .replace("http://provisioning-svc", target);
  await server.deploy("notify-slack", source, { hooks: ["post-provision"] });
  expect(await results("post-provision", provisioned)).toMatchObject([
    {
      function: "notify-slack",
      state: "succeeded",
      status: 200,
      error: null,
      body: { notified: true, extensionInstalled: true },
    },
  ]);
  expect(told).toEqual([
    ["/services/...", { text: "DB prj-7 is ready!" }],
    [
      "/api/provision/prj-7/migrations",
      { sql: "CREATE EXTENSION IF NOT EXISTS vector", version: "001", name: "pgvector" },
    ],
  ]);
  expect(await results("pre-provision", { projectId: "p", tier: "t", databaseType: "d" })).toEqual(
    [],
  );
});

test("all run in order whatever becomes of the ones before, and the answer is 200", async () => {
  const hooks = ["pre-backup", "post-deprovision"];
  const limits = { timeout_ms: 1000 };
  const sources: readonly (readonly [name: string, source: string, order: number])[] = [
    ["throws", 'export function handler() { throw new Error("no"); }', -5],
    ["hangs", "export function handler() { return new Promise(() => {}); }", 1],
    ["crashes", "export function handler() { process.exit(3); }", 2],
    [
      "streams",
      "export default () => new Response(new ReadableStream({ async pull(c) { c.enqueue(new Uint8Array(1)); await Bun.sleep(50); } }));",
      3,
    ],
    ["refuses", "export default () => new Response('not now', { status: 409 });", 4],
    ["disabled", "export function handler() { return 1; }", 5],
    ["works-b", "export function handler(context) { return context; }", 6],
    ["works-a", "export function handler(context) { return context; }", 6],
  ];
  // Deployed in another order than they run in.
  for (const [name, source, hook_order] of sources.toReversed()) {
    await server.deploy(name, source, { hooks, hook_order, limits });
  }
  await server.client.updateFunction("disabled", { enabled: false });
  const came = await results("pre-backup", { projectId: "prj-7" });
  expect(
    came.map((run) => [run.function, run.state, run.status, run.error?.code ?? run.body]),
  ).toEqual([
    ["throws", "failed", null, "function_error"],
    ["hangs", "failed", null, "function_timeout"],
    ["crashes", "failed", null, "function_crashed"],
    ["streams", "failed", null, "function_timeout"],
    ["refuses", "failed", 409, "not now"],
    ["disabled", "failed", null, "function_disabled"],
    ["works-a", "succeeded", 200, { projectId: "prj-7" }],
    ["works-b", "succeeded", 200, { projectId: "prj-7" }],
  ]);
  const payload = '{"projectId":"prj-8"}';
  const typed = await server.cli("hooks", "run", "post-deprovision", "--payload", payload);
  expect(typed.code).toBe(0);
  expect(typed.stdout).toMatch(/crashes +failed +function_crashed/);
  expect(typed.stdout).toMatch(/works-b +succeeded +200 .*\{"projectId":"prj-8"\}/);
  const listed = await server.cli("hooks", "list", "--point", "pre-backup", "--json");
  const items = JSON.parse(listed.stdout) as { function: string; hook_order: number }[];
  expect(items.map((item) => [item.function, item.hook_order])).toEqual(
    came.map(({ function: name }) => [name, sources.find(([known]) => known === name)?.[2] ?? 0]),
  );
  const { items: audit } = await server.client.listAudit();
  expect(audit.find(({ command }) => command === "hooks.run")?.subject).toBe(
    "default:post-deprovision",
  );
});

test("a caller that goes away does not stop the run", async () => {
  const tells = (path: string): string =>
    `export async function handler() { await fetch("http://127.0.0.1:${upstream.port}/${path}", { method: "POST", body: "1" }); }`;
  await server.deploy("gone-a", tells("first"), { hooks: ["pre-deprovision"] });
  await server.deploy("gone-b", tells("second"), { hooks: ["pre-deprovision"], hook_order: 1 });
  const release = Promise.withResolvers<void>();
  held = release.promise;
  const leaving = new AbortController();
  const asked = server
    .fetch("/api/v1/hooks/pre-deprovision", {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${server.key}` },
      body: '{"projectId":"p"}',
      signal: leaving.signal,
    })
    .then(
      () => "answered",
      () => "left",
    );
  await until("the first runs", () => told.some(([path]) => path === "/first"));
  leaving.abort();
  expect(await asked).toBe("left");
  release.resolve();
  await until("the second ran", () => told.some(([path]) => path === "/second"));
});

test("credentials of the context are in no log line of the function", async () => {
  await server.deploy(
    "talks",
    `export function handler(context, ctx) {
      const { host, port, password } = context.credentials;
      console.log("say", host, port, password);
      console.error(JSON.stringify(context));
      ctx.log.info("hex " + Buffer.from(password).toString("hex"), { password });
      throw new Error("cannot reach " + host + " with " + password);
    }`,
    { hooks: ["post-provision"] },
  );
  const runs = await results("post-provision", provisioned);
  expect(runs.map((run) => run.function)).toEqual(["notify-slack", "talks"]);
  let log = "";
  await until("its lines are there", async () => {
    const { stdout } = await server.cli("functions", "logs", "talks", "--json");
    log = stdout;
    return log.includes("cannot reach") && log.includes("hex ") && log.includes("say ");
  });
  expect(log).toContain("say [secret] [secret] [secret]");
  for (const hidden of ["db-7.internal", "54321", "pa$$", Buffer.from("pa$$").toString("hex")]) {
    expect(log).not.toContain(hidden);
    expect(server.output()).not.toContain(hidden);
  }
});

test("a context that is not the documented one is 400, an unknown point 404", async () => {
  const wrong: readonly (readonly [string, unknown, string])[] = [
    ["pre-backup", {}, "/projectId"],
    ["pre-backup", { projectId: 7 }, "/projectId"],
    ["pre-backup", { projectId: "p", backupId: "b" }, "/backupId"],
    ["post-backup", { projectId: "p" }, "/backupId"],
    ["pre-provision", { projectId: "p", tier: "t" }, "/databaseType"],
    ["pre-provision", provisioned, "/credentials"],
    [
      "post-provision",
      { ...provisioned, credentials: { ...provisioned.credentials, port: "5432" } },
      "/credentials/port",
    ],
    ["pre-backup", { projectId: "p", other: 1 }, "/other"],
  ];
  for (const [point, context, pointer] of wrong) {
    const { status, json } = await ask(point, context);
    expect([point, status, json]).toMatchObject([
      point,
      400,
      { error: { code: "invalid_request", details: { pointer } } },
    ]);
  }
  expect((await ask("pre-backup", '{"projectId":')).status).toBe(400);
  expect(await ask("mid-backup", { projectId: "p" })).toMatchObject({
    status: 404,
    json: { error: { code: "not_found" } },
  });
  expect((await server.cli("hooks", "run", "mid-backup")).code).toBe(2);
  expect((await server.cli("hooks", "run", "pre-backup")).code).toBe(1);
});

test("listing needs hooks:read, running hooks:write", async () => {
  const { key: reader } = await server.client.createKey({ name: "r", scopes: ["hooks:read"] });
  const { key: invoker } = await server.client.createKey({
    name: "i",
    scopes: ["functions:*:invoke"],
  });
  const list = (key: string): Promise<Response> =>
    server.fetch("/api/v1/hooks", { headers: { authorization: `Bearer ${key}` } });
  expect((await list(reader)).status).toBe(200);
  expect((await list(invoker)).status).toBe(403);
  const { key: writer } = await server.client.createKey({ name: "w", scopes: ["hooks:write"] });
  const context = { projectId: "p" };
  expect((await ask("pre-deprovision", context, reader)).status).toBe(403);
  expect((await ask("pre-deprovision", context, invoker)).status).toBe(403);
  expect((await ask("pre-deprovision", context, "rk_nobody")).status).toBe(401);
  expect((await ask("pre-deprovision", context, writer)).status).toBe(200);
});

test("hooks that do not exist are refused at deploy, by their pointer", async () => {
  const wrong: readonly (readonly [Record<string, unknown>, string])[] = [
    [{ hooks: ["mid-provision"] }, "/hooks/0"],
    [{ hooks: ["pre-backup", "pre-backup"] }, "/hooks/1"],
    [{ hooks: "pre-backup" }, "/hooks"],
    [{ hooks: ["pre-backup"], hook_order: 1.5 }, "/hook_order"],
    [{ hook_order: 1 }, "/hook_order"],
  ];
  for (const [manifest, pointer] of wrong) {
    const failure = await server.deploy("wrong", "export default () => 1;", manifest).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code: "manifest_invalid", details: { pointer } });
  }
});
