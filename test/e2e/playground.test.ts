import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { RunDraftInput } from "../../src/client/playground-calls.ts";
import type { PlaygroundOutcomeResource } from "../../src/client/resources.ts";
import { makeRunDir, processesWith, startServer, type TestServer, until } from "./reactor.ts";

/** Drafts on a real server: run once in a real sandbox, and nothing of them is left. */
let server: TestServer;
const timeoutMs = 1500;

beforeAll(async () => {
  server = await startServer({
    env: {
      REACTOR_FUNCTIONS_PLAYGROUND_TIMEOUT_MS: String(timeoutMs),
      REACTOR_FUNCTIONS_PLAYGROUND_MAX_RUNS: "2",
    },
  });
});

afterAll(async () => {
  await server.stop();
});

function run(
  code: string,
  more: Omit<RunDraftInput, "files"> & { readonly files?: Record<string, string> } = {},
): Promise<PlaygroundOutcomeResource> {
  const { files = {}, ...rest } = more;
  const all = Object.entries({ "index.ts": code, ...files });
  return server.client.runPlayground({
    files: new Map(all.map(([path, text]) => [path, Buffer.from(text)])),
    ...rest,
  });
}

function post(body: unknown, headers: Record<string, string> = {}, signal?: AbortSignal) {
  return server.fetch("/api/v1/playground/run", {
    method: "POST",
    headers: {
      authorization: `Bearer ${server.key}`,
      "content-type": "application/json",
      ...headers,
    },
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  });
}

async function refused(body: unknown): Promise<string> {
  const response = await post(body);
  const { error } = (await response.json()) as { error: { code: string; message: string } };
  return `${response.status} ${error.code}: ${error.message}`;
}

const event = "export function handler(event) { return { got: event }; }";

describe("a draft", () => {
  test("gets its event and answers with its result, its log and its times", async () => {
    const outcome = await run(
      'console.log("loading"); export function handler(event, ctx) { ctx.log("asked", event); return { got: event }; }',
      { event: { n: 1 } },
    );
    expect(outcome).toMatchObject({
      status: 200,
      body: '{"got":{"n":1}}',
      shape: "event",
      error: null,
    });
    expect(outcome.headers).toContainEqual({ name: "content-type", value: "application/json" });
    const messages = outcome.logs.map(({ message }) => message);
    expect(messages[0]).toBe("loading");
    expect(messages[1]).toStartWith("asked");
    for (const ms of [outcome.prepare_ms, outcome.start_ms, outcome.duration_ms]) {
      expect(ms).toBeGreaterThan(0);
    }
  });

  test("without an event gets an empty object, and null when that is the event", async () => {
    expect((await run(event)).body).toBe('{"got":{}}');
    expect((await run(event, { event: null })).body).toBe('{"got":null}');
  });

  test("may get a whole request, and answer with bytes", async () => {
    const mirror =
      "export default { fetch: async (r) => new Response(new Uint8Array(await r.arrayBuffer()), { status: 201, headers: { method: r.method, url: r.url, one: r.headers.get('x-one') } }) }";
    const outcome = await run(mirror, {
      request: {
        method: "PUT",
        path: "/items?x=1",
        headers: { "X-One": "1" },
        body: new Uint8Array([0xff, 0x00]),
      },
    });
    expect(outcome).toMatchObject({ status: 201, body: { base64: "/wA=" }, shape: "fetch" });
    const headers = Object.fromEntries(outcome.headers.map(({ name, value }) => [name, value]));
    expect(headers).toMatchObject({
      method: "PUT",
      url: "http://playground.localhost/items?x=1",
      one: "1",
    });
  });

  test("is built from all its files and its manifest", async () => {
    const outcome = await run("", {
      files: {
        "src/app.ts":
          'import { word } from "./word.ts"; export const run = (request) => new Response(word + request.method);',
        "src/word.ts": 'export const word: string = "hi ";',
        "reactor.json": '{"name":"my-app","entrypoint":"src/app.ts","handler":"run"}',
      },
      request: {},
    });
    expect(outcome).toMatchObject({ status: 200, body: "hi GET", shape: "function" });
  });

  test("has the variables that were sent and no other, its secrets masked in the log", async () => {
    await server.cli("functions", "create", "owner");
    await server.client.setEnv("owner", { key: "OWN", value: "of the function", secret: false });
    const outcome = await run(
      "export function handler(_, ctx) { console.log(ctx.secrets.get('TOKEN')); return [ctx.env, Object.keys(process.env), ctx.secrets.get('TOKEN').length]; }",
      { env: { GREETING: "hi" }, secrets: { TOKEN: "a-very-secret-value" } },
    );
    if (typeof outcome.body !== "string") throw new Error("the body is no text");
    const [env, inProcess, length] = JSON.parse(outcome.body) as [object, string[], number];
    // Secrets stand among the variables too, as in a deployed function.
    expect(Object.keys(env).sort()).toEqual(["GREETING", "TOKEN"]);
    expect(inProcess).not.toContain("OWN");
    expect(length).toBe("a-very-secret-value".length);
    expect(JSON.stringify(outcome.logs)).not.toContain("a-very-secret-value");
  });

  test("may go on after its answer, and what it logs then is there", async () => {
    const outcome = await run(
      "export function handler(_, ctx) { ctx.waitUntil((async () => { await new Promise((r) => setTimeout(r, 20)); ctx.log('afterwards'); })()); return 1; }",
    );
    expect(outcome.body).toBe("1");
    expect(outcome.logs.map(({ message }) => message)).toContain("afterwards");
  });
});

describe("a draft that", () => {
  test("does not parse has the file and line in its log", async () => {
    const { status, error, shape } = await run("const a = 1;\nexport function (");
    expect({ status, shape, code: error?.code }).toEqual({
      status: null,
      shape: null,
      code: "bundle_invalid",
    });
    expect(error?.details["log"]).toMatch(/index\.ts:2:/);
  });

  test("throws at import, exports nothing, or never loads is a failed start with its log", async () => {
    const thrown = await run('console.log("before");\nthrow new Error("at import");');
    expect(thrown.error).toMatchObject({
      code: "cold_start_failed",
      details: { exit: { reason: "load_failed" } },
    });
    expect(thrown.error?.message).toContain("at import");
    expect(thrown.logs.map(({ message }) => message)).toContain("before");
    expect((await run("export const x = 1;")).error?.message).toContain("No handler found");
  });

  test("throws is function_error with its stack", async () => {
    const { status, error } = await run('export function handler() { throw new Error("boom"); }');
    expect({ status, code: error?.code, message: error?.message }).toEqual({
      status: null,
      code: "function_error",
      message: "boom",
    });
    expect(error?.details["stack"]).toContain("index.ts:1");
  });

  test("loops or never answers is function_timeout after the playground's own limit", async () => {
    for (const body of ["while (true);", "return new Promise(() => undefined);"]) {
      const { status, error } = await run(`export function handler() { ${body} }`);
      expect({ status, code: error?.code }).toEqual({ status: null, code: "function_timeout" });
      expect(error?.message).toContain(`${timeoutMs} ms`);
    }
  });

  test("exits is function_crashed with the typed exit", async () => {
    const { error } = await run("export function handler() { process.exit(3); }");
    expect(error).toMatchObject({
      code: "function_crashed",
      details: { exit: { reason: "exited", code: 3 } },
    });
  });

  test("answers without end is stopped, with what came until then", async () => {
    const huge = await run(
      "export default { fetch: () => new Response(new ReadableStream({ pull: (c) => c.enqueue(new Uint8Array(65536)) })) }",
      { request: {} },
    );
    expect({ status: huge.status, code: huge.error?.code }).toEqual({
      status: 200,
      code: "response_too_large",
    });
    const endless = await run(
      "export default { fetch: () => new Response(new ReadableStream({ start(c) { setInterval(() => c.enqueue(new TextEncoder().encode('tick ')), 50); } })) }",
      { request: {} },
    );
    expect({ status: endless.status, code: endless.error?.code }).toEqual({
      status: 200,
      code: "function_timeout",
    });
    expect(endless.body).toStartWith("tick tick");
  });

  test("logs without end has the first lines, and how many were dropped", async () => {
    const { logs, logs_dropped: dropped } = await run(
      "export function handler() { for (let i = 0; i < 5000; i++) console.log('line', i); return 1; }",
    );
    expect(logs.length).toBeLessThanOrEqual(1000);
    expect(logs[0]?.message).toBe("line 0");
    expect(dropped).toBeGreaterThan(0);
  });
});

describe("a run is refused", () => {
  const files = { "index.ts": event };

  test("when the request is not one", async () => {
    expect(await refused({ files, runtime: "cobol" })).toStartWith("400 invalid_request");
    expect(await refused({ files, event: 1, request: {} })).toMatch(/^400 .*two requests/);
    expect(await refused({ files, more: 1 })).toMatch(/^400 .*more/);
    expect(await refused({ event: 1 })).toMatch(/^400 .*files/);
    expect(await refused({ files: {} })).toStartWith("400 bundle_invalid");
    expect(await refused({ files, request: { path: "no-slash" } })).toStartWith("400 ");
    expect(await refused({ files, request: { method: "GET", body: "x" } })).toMatch(/^400 .*body/);
    expect(await refused({ files, request: { headers: { "a b": "x" } } })).toStartWith("400 ");
    expect(await refused({ files, request: { body: { base64: "?" } } })).toMatch(/^400 .*base64/);
    expect(await refused("{")).toStartWith("400 invalid_request");
    expect(await refused('{"files":{"__proto__":"x"}}')).toMatch(/^400 .*__proto__/);
    expect(await refused({ files: { "index.ts": "x".repeat(1_100_000) } })).toStartWith("413 ");
  });

  test("when the files would leave their folder, or the manifest is wrong", async () => {
    for (const path of ["../x.ts", "/etc/passwd", "a/../../b.ts", "a\\b.ts", "a\u0000b"]) {
      expect(await refused({ files: { ...files, [path]: "x" } })).toStartWith("400 bundle_invalid");
    }
    const withManifest = (manifest: object) => ({
      files: { ...files, "reactor.json": JSON.stringify(manifest) },
    });
    expect(await refused(withManifest({ entrypoint: "none.ts" }))).toStartWith(
      "400 manifest_invalid",
    );
    expect(await refused(withManifest({ more: 1 }))).toMatch(/^400 manifest_invalid/);
    expect(await refused({ ...withManifest({ runtime: "bun" }), runtime: "wasm" })).toMatch(
      /^400 /,
    );
    expect(await refused({ files, runtime: "lambda" })).toMatch(/^400 /);
  });

  test("when variables are malformed, twice there, or declared and not sent", async () => {
    expect(await refused({ files, env: { lower: "x" } })).toStartWith("400 env_key_invalid");
    expect(await refused({ files, env: { A: "x" }, secrets: { A: "y" } })).toMatch(/^400 .*both/);
    const declared = { ...files, "reactor.json": '{"env_keys":["WANTED"]}' };
    expect(await refused({ files: declared })).toMatch(/^400 env_key_invalid.*WANTED/);
  });

  test("without a key that has playground:write", async () => {
    const anonymous = await post({ files }, { authorization: "" });
    expect(anonymous.status).toBe(401);
    const { key } = await server.client.createKey({ name: "other", scopes: ["functions:*:*"] });
    expect((await post({ files }, { authorization: `Bearer ${key}` })).status).toBe(403);
    const own = await server.client.createKey({ name: "own", scopes: ["playground:write"] });
    expect((await post({ files }, { authorization: `Bearer ${own.key}` })).status).toBe(200);
  });

  test("with 429 while as many run as may", async () => {
    const waits = {
      files: { "index.ts": "export const handler = () => new Promise(() => undefined);" },
    };
    const running = [post(waits), post(waits)];
    await until("a third is refused", async () => {
      const third = await post({ files });
      expect(third.headers.get("retry-after")).toBe(third.status === 429 ? "1" : null);
      return third.status === 429;
    });
    for (const response of await Promise.all(running)) expect(response.status).toBe(200);
    expect((await post({ files })).status).toBe(200);
  });
});

describe("nothing is left", () => {
  test("of a run in the store, among the functions or on disk, but its audit row", async () => {
    const listBlobs = (): Promise<string[]> =>
      readdir(join(server.dataDir, "functions", "bundles"), { recursive: true });
    const before = await listBlobs();
    const functions = (await server.client.listFunctions()).items.length;
    await run(event, { event: { secret: "kept nowhere" } });
    expect(await listBlobs()).toEqual(before);
    expect((await server.client.listFunctions()).items.length).toBe(functions);
    const [row] = (await server.client.listAudit({ limit: 1 })).items;
    expect(row).toMatchObject({ command: "playground.run", outcome: "ok" });
    expect(row?.details).toMatchObject({ runtime: "bun", files: 1 });
    expect(JSON.stringify(row)).not.toContain("kept nowhere");
  });

  test("of a run whose client left: its instance stops long before its time is up", async () => {
    const runDir = await makeRunDir();
    const leaving = await startServer({
      env: {
        REACTOR_RUN_DIR: runDir,
        REACTOR_FUNCTIONS_PLAYGROUND_MAX_RUNS: "1",
        REACTOR_FUNCTIONS_PLAYGROUND_TIMEOUT_MS: "300000",
        REACTOR_FUNCTIONS_BUN_BLANK_INSTANCES: "0",
        REACTOR_FUNCTIONS_BUN_BLANK_INSTANCES_MAX: "0",
        REACTOR_FUNCTIONS_INVOKE_DEFAULT_TIMEOUT_MS: "300000",
      },
    });
    try {
      const files = { "index.ts": "export const handler = () => { while (true); };" };
      const headers = {
        authorization: `Bearer ${leaving.key}`,
        "content-type": "application/json",
      };
      const ask = (body: object, signal?: AbortSignal) =>
        leaving.fetch("/api/v1/playground/run", {
          method: "POST",
          headers,
          body: JSON.stringify(body),
          ...(signal === undefined ? {} : { signal }),
        });
      const gone = new AbortController();
      const asked = ask({ files }, gone.signal).catch((error: unknown) => error);
      await until(
        "it runs",
        async () => (await ask({ files: { "index.ts": event } })).status === 429,
      );
      await until("its instance runs", async () => (await processesWith(runDir)).length > 0);
      gone.abort();
      await asked;
      await until(
        "another may run",
        async () => (await ask({ files: { "index.ts": event } })).status === 200,
      );
      await until("no instance is left", async () => (await processesWith(runDir)).length === 0);
    } finally {
      await leaving.stop();
      await rm(runDir, { recursive: true, force: true });
    }
  });
});
