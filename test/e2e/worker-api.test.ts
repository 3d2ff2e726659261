import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startServer, type TestServer, until } from "./reactor.ts";

/** The worker family's API on a real server, in requests as its documents type them. */
let server: TestServer;
const timeoutMs = 1500;

beforeAll(async () => {
  server = await startServer({
    args: ["--runtimes", "bun,deno"],
    env: { REACTOR_FUNCTIONS_INVOKE_DEFAULT_TIMEOUT_MS: String(timeoutMs) },
  });
});

afterAll(async () => {
  await server.stop();
});

function send(method: string, path: string, body?: unknown): Promise<Response> {
  return server.fetch(path, {
    method,
    headers: {
      authorization: `Bearer ${server.key}`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

async function deployed(id: string, code: string): Promise<void> {
  const response = await send("POST", "/deploy", { id, code });
  expect([response.status, await response.json()]).toEqual([
    201,
    { id, url: `${server.url}/invoke/${id}` },
  ]);
}

const invoke = (id: string, data?: unknown): Promise<Response> =>
  send("POST", `/invoke/${id}`, data);

async function told(response: Response): Promise<unknown> {
  return [response.status, await response.json()];
}

const counter = "let calls = 0; function handler() { return { calls: ++calls }; }";

describe("a script", () => {
  test("is deployed by one request and called by another", async () => {
    await deployed(
      "hello",
      'function handler(data) { return { message: "Hello, " + data.name }; }',
    );
    const response = await invoke("hello", { name: "you" });
    expect(response.headers.get("x-reactor-function")).toBe("hello@1");
    expect(response.headers.get("x-request-id")).toMatch(/^inv_/);
    expect(await response.json()).toEqual({ message: "Hello, you" });
    const { stdout } = await server.cli("functions", "get", "hello", "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      runtime: "deno",
      isolation: "worker",
      shape: "event",
    });
  });

  test("may be TypeScript, async and exported, and answers in HTTP when it says so", async () => {
    await deployed(
      "typed",
      "export async function handler(data: { code: number }): Promise<object> { await 0; return { statusCode: data.code, body: 'x' }; }",
    );
    const response = await invoke("typed", { code: 418 });
    expect([response.status, await response.text()]).toEqual([418, "x"]);
  });

  test("stays in memory, and each has its own", async () => {
    await deployed("one", counter);
    await deployed("two", counter);
    for (const calls of [1, 2, 3]) expect(await (await invoke("one")).json()).toEqual({ calls });
    expect(await (await invoke("two")).json()).toEqual({ calls: 1 });
  });

  test("that is deployed anew under load fails nobody, and nobody gets the old one afterwards", async () => {
    const versions = (n: number): string => `function handler() { return ${n}; }`;
    await deployed("swapped", versions(1));
    const over = new AbortController();
    const seen: number[] = [];
    const asking = Promise.all(
      Array.from({ length: 4 }, async () => {
        while (!over.signal.aborted) {
          const response = await invoke("swapped");
          expect(response.status).toBe(200);
          seen.push((await response.json()) as number);
        }
      }),
    );
    try {
      await until("the first version answers", () => seen.length > 0);
      for (const n of [2, 3]) await deployed("swapped", versions(n));
      const after = await Promise.all([1, 2, 3].map(async () => (await invoke("swapped")).json()));
      expect(after).toEqual([3, 3, 3]);
    } finally {
      over.abort();
      await asking;
    }
    expect(seen[0]).toBe(1);
  });

  test("that is broken leaves the one before as it was", async () => {
    await deployed("kept", counter);
    expect(await (await invoke("kept")).json()).toEqual({ calls: 1 });
    const broken = await send("POST", "/deploy", { id: "kept", code: "let x = 1;\nfunction (" });
    expect(await told(broken)).toEqual([500, { error: expect.stringMatching(/index\.ts:2:/) }]);
    const bare = await send("POST", "/deploy", { id: "kept", code: "const handler = 7;" });
    expect(await told(bare)).toEqual([500, { error: "No handler function exported" }]);
    expect(await (await invoke("kept")).json()).toEqual({ calls: 2 });
    const unknown = await send("POST", "/deploy", { id: "fresh", code: "export const x = 1;" });
    expect(await told(unknown)).toEqual([500, { error: "No handler function exported" }]);
    expect(await told(await invoke("fresh"))).toEqual([404, { error: "Script not found: fresh" }]);
  });

  test("that is deployed by several at once ends with a whole one of them", async () => {
    const answers = await Promise.all(
      [1, 2, 3, 4].map((n) =>
        send("POST", "/deploy", { id: "raced", code: `function handler() { return ${n}; }` }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    const response = await invoke("raced");
    expect(response.headers.get("x-reactor-function")).toBe("raced@4");
    expect([1, 2, 3, 4]).toContain((await response.json()) as number);
  });
});

describe("a script that", () => {
  test("exceeds its timeout gets 504 with the limit, and its worker stays", async () => {
    await deployed(
      "slow",
      "let calls = 0; async function handler(data) { calls++; if (data.wait) await new Promise(() => undefined); return calls; }",
    );
    // On a busy machine one that answers late may pass for one that is stuck, so there are more tries.
    await until("the worker remembers the call that timed out", async () => {
      await invoke("slow");
      expect(await told(await invoke("slow", { wait: true }))).toEqual([
        504,
        { error: "Execution timeout (1.5s)" },
      ]);
      return ((await (await invoke("slow")).json()) as number) >= 3;
    });
  });

  test("loops gets 504, and its worker is replaced", async () => {
    await deployed(
      "loops",
      "let calls = 0; function handler(data) { calls++; while (data.loop); return calls; }",
    );
    await invoke("loops");
    expect(await told(await invoke("loops", { loop: true }))).toEqual([
      504,
      { error: "Execution timeout (1.5s)" },
    ]);
    expect(await (await invoke("loops")).json()).toBe(1);
  });

  test("throws gets 500 with its message", async () => {
    await deployed("throws", 'function handler() { throw new Error("no luck"); }');
    expect(await told(await invoke("throws"))).toEqual([500, { error: "no luck" }]);
  });

  test("is deleted ends its calls with an error, and is revived as the next revision", async () => {
    await deployed(
      "gone",
      "async function handler(data) { if (data.wait) await new Promise(() => undefined); return 1; }",
    );
    const waiting = invoke("gone", { wait: true });
    await until("the call runs", async () => {
      const stats = (await (await send("GET", "/stats")).json()) as {
        byScript: Record<string, { running: number }>;
      };
      return stats.byScript["gone"]?.running === 1;
    });
    expect(await told(await send("DELETE", "/delete/gone"))).toEqual([
      200,
      { status: "deleted", id: "gone" },
    ]);
    expect(await told(await waiting)).toEqual([
      500,
      { error: expect.stringContaining("was stopped because the function was deleted") },
    ]);
    expect(await told(await invoke("gone"))).toEqual([404, { error: "Script not found: gone" }]);
    await deployed("gone", "function handler() { return 2; }");
    const revived = await invoke("gone");
    expect([revived.headers.get("x-reactor-function"), await revived.json()]).toEqual([
      "gone@2",
      2,
    ]);
  });
});

test("keys, types and origins are asked for as on every way in", async () => {
  await deployed("guarded", "function handler() { return 1; }");
  const json = { "content-type": "application/json" };
  const open = { method: "POST", headers: json, body: "{}" };
  expect((await server.fetch("/invoke/guarded", open)).status).toBe(401);
  expect((await server.fetch("/deploy", open)).status).toBe(401);
  const key = { authorization: `Bearer ${server.key}` };
  const form = { method: "POST", headers: key, body: new URLSearchParams({ a: "1" }) };
  expect((await server.fetch("/invoke/guarded", form)).status).toBe(415);
  const foreign = { ...open, headers: { ...json, ...key, origin: "https://evil.example" } };
  expect((await server.fetch("/invoke/guarded", foreign)).status).toBe(403);
  const health = await server.fetch("/health");
  expect(await health.json()).toMatchObject({ status: "ok" });
});

test("scripts are back by themselves after a restart and after a change of env", async () => {
  const args = ["--runtimes", "deno"];
  const first = await startServer({ args });
  const dataDir = first.dataDir;
  const ask = (from: TestServer, path: string, body?: string): Promise<Response> =>
    from.fetch(path, {
      method: body === undefined ? "GET" : "POST",
      headers: { authorization: `Bearer ${from.key}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body }),
    });
  const workers = async (from: TestServer): Promise<number> =>
    ((await (await ask(from, "/stats")).json()) as { workers: number }).workers;
  let second: TestServer | undefined;
  try {
    const code = "function handler(data, ctx) { return ctx.env.GREETING ?? null; }";
    await ask(first, "/deploy", JSON.stringify({ id: "lasting", code }));
    await until("the worker is there", async () => (await workers(first)) === 1);
    await first.stop({ keepData: true });
    second = await startServer({ args, dataDir });
    const restarted = second;
    await until("the worker is back", async () => (await workers(restarted)) === 1);
    expect(await (await ask(second, "/invoke/lasting", "{}")).json()).toBe(null);
    await second.cli("functions", "env", "set", "lasting", "GREETING", "hi");
    expect(await (await ask(second, "/invoke/lasting", "{}")).json()).toBe("hi");
  } finally {
    await (second ?? first).stop();
  }
});
