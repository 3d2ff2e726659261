import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startServer, type TestServer, until } from "./reactor.ts";

let server: TestServer;

beforeAll(async () => {
  server = await startServer({ runtimes: "all" });
  await server.deploy(
    "work",
    `export default { async fetch(request, ctx) {
      const { status = 200, failFirst = 0 } = await request.json().catch(() => ({}));
      const attempt = Number(request.headers.get("x-reactor-attempt"));
      if (attempt <= failFirst) throw new Error("not yet");
      return Response.json({ attempt, ctx: ctx.attempt, id: ctx.invocationId, url: request.url }, { status });
    } }`,
    { retry: { min_backoff_ms: 20, max_attempts: 3 } },
  );
});
afterAll(() => server.stop());

interface Shown {
  readonly id: string;
  readonly state: string;
  readonly attempt: number;
  readonly queued: {
    readonly result: { readonly status: number; readonly body: unknown } | null;
    readonly error: { readonly code: string } | null;
  };
}

interface Asked {
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

async function accept(
  name: string,
  body: unknown = {},
  headers: Record<string, string> = {},
): Promise<{ id: string; status_url: string }> {
  const response = await server.fetch(`/fn/v1/${name}`, {
    method: "POST",
    headers: { prefer: "respond-async", ...headers },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(202);
  const accepted: { id: string; status_url: string } = await response.json();
  return accepted;
}

/** The invocation once it is finished, by its status URL alone. */
async function finished({ status_url: url }: { status_url: string }): Promise<Shown> {
  let shown: Shown | undefined;
  await until("the invocation is finished", async () => {
    shown = (await (await fetch(url)).json()) as Shown;
    return !["queued", "running"].includes(shown.state);
  });
  return shown as Shown;
}

describe("Prefer: respond-async", () => {
  test("answers 202 with an id and a status URL that tells the result without a key", async () => {
    const accepted = await accept("work", { hello: 1 });
    const shown = await finished(accepted);
    expect(shown).toMatchObject({ id: accepted.id, state: "succeeded", attempt: 1 });
    expect(shown.queued.result).toMatchObject({
      status: 200,
      body: { attempt: 1, ctx: 1, id: accepted.id, url: `${server.url}/` },
    });
  });

  test("the status URL of another invocation, or with another token, tells nothing", async () => {
    const [one, other] = [await accept("work"), await accept("work")];
    const token = new URL(other.status_url).searchParams.get("token");
    const statuses = await Promise.all(
      [`${one.id}?token=${token}`, `${one.id}?token=x`, one.id].map(async (path) => {
        const response = await server.fetch(`/api/v1/invocations/${path}`);
        return response.status;
      }),
    );
    expect(statuses).toEqual([404, 404, 401]);
  });

  test("is refused as a request that waits is: 404, 401, 413, 503", async () => {
    await server.deploy("locked", "export default () => new Response()", {
      access: "key",
      limits: { max_body_in_mb: 0.001 },
    });
    const key = { "x-reactor-key": server.key };
    const status = async (path: string, { headers = {}, body = "" }: Asked = {}) => {
      const asked = { method: "POST", headers: { prefer: "respond-async", ...headers }, body };
      return (await server.fetch(path, asked)).status;
    };
    expect(await status("/fn/v1/nobody")).toBe(404);
    expect(await status("/fn/v1/locked")).toBe(401);
    expect(await status("/fn/v1/locked@other", { headers: key })).toBe(404);
    expect(await status("/fn/v1/locked", { headers: key, body: "x".repeat(2000) })).toBe(413);
    expect(await status("/fn/v1/locked", { headers: key })).toBe(202);
    await server.client.updateFunction("locked", { enabled: false });
    expect(await status("/fn/v1/locked", { headers: key })).toBe(503);
    await server.client.createFunction({ name: "empty" });
    expect(await status("/fn/v1/empty", { headers: key })).toBe(503);
  });

  test("wishes that cannot be read are refused", async () => {
    for (const wish of [{ "x-reactor-delay": "soon" }, { "idempotency-key": "k".repeat(257) }]) {
      const response = await server.fetch("/fn/v1/work", {
        headers: { prefer: "wait=5, respond-async", ...wish },
      });
      expect(response.status).toBe(400);
    }
  });
});

describe("a queued invocation", () => {
  test("that throws runs again and knows which time it is", async () => {
    const shown = await finished(await accept("work", { failFirst: 2 }));
    expect(shown).toMatchObject({ state: "succeeded", attempt: 3 });
    expect(shown.queued.result?.body).toMatchObject({ attempt: 3, ctx: 3 });
  });

  test("that fails max_attempts times is dead, and runs again when it is retried", async () => {
    const { id, status_url } = await accept("work", { failFirst: 4 });
    const dead = await finished({ status_url });
    expect(dead).toMatchObject({ state: "dead", attempt: 3 });
    expect(dead.queued.error?.code).toBe("function_error");
    const letters = await server.client.listQueuedInvocations({ state: "dead", function: "work" });
    expect(letters.items.map((letter) => letter.id)).toContain(id);
    expect((await server.client.getInvocationRequest(id)).body).toEqual({ failFirst: 4 });
    expect(await server.client.retryInvocation(id)).toMatchObject({ state: "queued", attempt: 3 });
    expect(await finished({ status_url })).toMatchObject({ state: "succeeded", attempt: 5 });
  });

  test("that answers 4xx failed for good; with a corrected body it succeeds", async () => {
    const { id, status_url } = await accept("work", { status: 422 });
    expect(await finished({ status_url })).toMatchObject({ state: "failed", attempt: 1 });
    const shown = await server.cli("invocations", "edit", id);
    expect(JSON.parse(shown.stdout)).toMatchObject({ method: "POST", body: { status: 422 } });
    const edited = await server.cli("invocations", "edit", id, "--payload", '{"status":201}');
    expect(edited).toMatchObject({ code: 0 });
    expect(await server.cli("invocations", "retry", id)).toMatchObject({ code: 0 });
    const done = await finished({ status_url });
    expect(done).toMatchObject({ state: "succeeded" });
    expect(done.queued.result?.status).toBe(201);
  });

  test("with one Idempotency-Key sent 100 times at once runs once and has one id", async () => {
    const headers = { "idempotency-key": "order-7" };
    const all = await Promise.all(
      Array.from({ length: 100 }, () => accept("work", { order: 7 }, headers)),
    );
    expect(new Set(all.map(({ id, status_url: url }) => `${id} ${url}`)).size).toBe(1);
    expect(await finished(all[0] as { status_url: string })).toMatchObject({ attempt: 1 });
    const records = await server.client.listInvocations({ function: "work", limit: 1000 });
    expect(records.filter(({ id }) => id === all[0]?.id)).toHaveLength(1);
    const other = await server.fetch("/fn/v1/work", {
      method: "POST",
      headers: { prefer: "respond-async", ...headers },
      body: '{"order":8}',
    });
    expect(other.status).toBe(409);
  });

  test("waits for its delay", async () => {
    const accepted = await accept("work", {}, { "x-reactor-delay": "0.5" });
    const acceptedAtMs = Date.now();
    expect(await finished(accepted)).toMatchObject({ state: "succeeded" });
    expect(Date.now() - acceptedAtMs).toBeGreaterThan(400);
  });

  test("of a disabled function waits until it is enabled; of a deleted one it is dead", async () => {
    await server.deploy("later", "export default () => new Response('ran')");
    const waiting = await accept("later", {}, { "x-reactor-delay": "0.2" });
    await server.client.updateFunction("later", { enabled: false });
    const held = await server.client.getInvocation(waiting.id);
    expect(held.state).toBe("queued");
    await server.client.updateFunction("later", { enabled: true });
    expect(await finished(waiting)).toMatchObject({ state: "succeeded" });
    const lost = await accept("later", {}, { "x-reactor-delay": "3600" });
    await server.client.deleteFunction("later");
    const dead = await finished(lost);
    expect(dead).toMatchObject({ state: "dead", attempt: 0 });
    expect(dead.queued.error?.code).toBe("function_not_found");
  });

  test("tells its destination how it ended", async () => {
    await server.deploy(
      "witness",
      "export default async (request) => Response.json(await request.json())",
    );
    await server.deploy(
      "teller",
      "export default async (request) => new Response('no', { status: (await request.json()).status })",
      { destinations: { on_success: "witness", on_failure: "witness" } },
    );
    const accepted = [
      await accept("teller", { status: 200 }),
      await accept("teller", { status: 400 }),
    ];
    const told: unknown[] = [];
    await until("both were told", async () => {
      const { items } = await server.client.listQueuedInvocations({
        state: "succeeded",
        function: "witness",
      });
      if (items.length < 2) return false;
      for (const { id } of items)
        told.push((await server.client.getInvocation(id)).queued?.result?.body);
      return true;
    });
    expect(told).toContainEqual(
      expect.objectContaining({ id: accepted[0]?.id, function: "teller", state: "succeeded" }),
    );
    expect(told).toContainEqual(
      expect.objectContaining({
        id: accepted[1]?.id,
        state: "failed",
        request: expect.objectContaining({ body: { status: 400 } }),
        response: expect.objectContaining({ status: 400, body: "no" }),
      }),
    );
  });
});

const script =
  "export const handler = (event, ctx) => { if (ctx.attempt < 2) throw new Error('not yet'); return { attempt: ctx.attempt }; };";
const python = `def handler(event, context):
    if context.attempt < 2:
        raise ValueError("not yet")
    return {"attempt": context.attempt}
`;

test.each([
  ["node", "index.js", script],
  ["deno", "index.ts", script],
  ["python", "main.py", python],
] as const)("%s functions know which attempt it is", async (runtime, file, source) => {
  const name = `marked-${runtime}`;
  const manifest = { runtime, access: "public", retry: { min_backoff_ms: 20 } };
  const files = new Map([
    [file, Buffer.from(source)],
    ["reactor.json", Buffer.from(JSON.stringify(manifest))],
  ]);
  await server.client.createFunction({ name, runtime });
  const { status } = await server.client.deploy(name, { files, promote: true });
  expect(status).toBe("ready");
  const shown = await finished(await accept(name));
  expect(shown).toMatchObject({ state: "succeeded", attempt: 2 });
  expect(shown.queued.result?.body).toEqual({ attempt: 2 });
});

test("a function with async: true is queued on every way in, and the CLI shows it", async () => {
  await server.deploy("slow", "export default () => new Response('done')", { async: true });
  for (const path of ["/fn/v1/slow", "/fn/v1/slow@production/x", "/fn/v1/slow@1"]) {
    const response = await server.fetch(path);
    expect(response.status).toBe(202);
    expect(response.headers.get("x-reactor-function")).toBe("slow@1");
    expect(await finished(await response.json())).toMatchObject({ state: "succeeded" });
  }
  const host = { host: `slow.fn.localhost:${server.port}` };
  const onHost = await server.fetch("/deep", { headers: host });
  const accepted: { status_url: string } = await onHost.json();
  expect(accepted.status_url).toStartWith("/api/v1/invocations/inv_");
  expect(await finished({ status_url: server.url + accepted.status_url })).toMatchObject({
    state: "succeeded",
  });
  const list = await server.cli(
    "invocations",
    "list",
    "--state",
    "succeeded",
    "--function",
    "slow",
  );
  expect(list.stdout.trim().split("\n")).toHaveLength(5);
});

test("policies hold when it is accepted and again when it runs", async () => {
  await server.deploy("gated", "export default () => new Response('ran')", {
    retry: { max_attempts: 1 },
  });
  const accepted = await accept("gated", {}, { "x-reactor-delay": "1" });
  await server.client.createPolicy("gated", "reads", { kind: "method", methods: ["GET"] });
  const refused = await server.fetch("/fn/v1/gated", {
    method: "POST",
    headers: { prefer: "respond-async" },
  });
  expect(refused.status).toBe(403);
  const dead = await finished(accepted);
  expect(dead).toMatchObject({ state: "dead", attempt: 1 });
  expect(dead.queued.error?.code).toBe("policy_denied");
});
