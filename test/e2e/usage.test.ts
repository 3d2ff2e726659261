import { afterAll, beforeAll, expect, test } from "bun:test";
import type { InvocationResource } from "../../src/client/resources.ts";
import { startServer, type TestServer, until } from "./reactor.ts";

/** What invocations used, through a real server. Every bound comes from times that were measured. */
let server: TestServer;

beforeAll(async () => {
  server = await startServer({ args: ["--runtimes", "bun,deno"] });
});

afterAll(async () => {
  await server.stop();
});

/** Sleeps 200 ms and answers with how long that took by its own clock. */
const sleeps = `export default { async fetch() {
  const began = performance.now();
  await new Promise((done) => setTimeout(done, 200));
  return Response.json(performance.now() - began);
} };`;

async function recordsOf(name: string, count: number): Promise<readonly InvocationResource[]> {
  let items: readonly InvocationResource[] = [];
  await until(`${count} records of ${name}`, async () => {
    items = await server.client.listInvocations({ function: name });
    return items.length === count;
  });
  return items;
}

function usedBy(item: InvocationResource | undefined): NonNullable<InvocationResource["usage"]> {
  if (item?.usage) return item.usage;
  throw new Error(`no usage in ${JSON.stringify(item)}`);
}

/** The metric's value for the function. */
async function metric(name: string, of: string): Promise<number> {
  const headers = { Authorization: `Bearer ${server.key}` };
  const text = await (await server.fetch("/metrics", { headers })).text();
  const line = text
    .split("\n")
    .find((one) => one.startsWith(`${name}{`) && one.includes(`"${of}"`));
  return Number(line?.split(" ").at(-1));
}

test("an invocation uses its instance for as long as it runs; a cold start does not count", async () => {
  // Importing it takes twice as long as a request, so that a start that counts would show.
  const slow = `await new Promise((done) => setTimeout(done, 500));\n${sleeps}`;
  const limits = { memory_mb: 512 };
  const files = new Map([
    ["index.ts", Buffer.from(slow)],
    ["reactor.json", Buffer.from(JSON.stringify({ access: "public", limits }))],
  ]);
  const { id } = await server.client.deploy("sleeps", { files, createFunction: true });
  // By itself: a deploy that promotes leaves an instance, and nothing would start.
  await server.client.promote("sleeps", id);
  const answers: { cold: boolean; slept: number; took: number }[] = [];
  for (let i = 0; i < 2; i++) {
    const began = performance.now();
    const response = await server.fetch("/fn/v1/sleeps");
    const slept: number = await response.json();
    const cold = response.headers.get("x-reactor-cold-start") === "true";
    answers.push({ cold, slept, took: performance.now() - began });
  }
  expect(answers.map(({ cold }) => cold)).toEqual([true, false]);
  const records = (await recordsOf("sleeps", 2)).toReversed();
  for (const [n, { slept, took }] of answers.entries()) {
    const item = records[n];
    const usage = usedBy(item);
    // The clocks of both sides are read at slightly other moments.
    expect(usage.run_ms).toBeGreaterThan(slept - 5);
    expect(usage.run_ms).toBeLessThan(took);
    expect(usage.run_ms).toBeLessThanOrEqual((item?.duration_ms ?? 0) + 0.01);
    expect(usage.vcpu_ms).toBeCloseTo(usage.run_ms, 3);
    expect(usage.gb_s).toBeCloseTo(usage.run_ms * 0.000_5, 8);
  }
  const [cold] = records;
  expect((cold?.duration_ms ?? 0) - usedBy(cold).run_ms).toBeGreaterThan(495);
});

test("a streamed answer is used until its end", async () => {
  await server.deploy(
    "streams",
    `export default { fetch: () => new Response(new ReadableStream({ async start(out) {
      for (let i = 0; i < 4; i++) {
        out.enqueue(new TextEncoder().encode("."));
        await new Promise((done) => setTimeout(done, 50));
      }
      out.close();
    } })) };`,
  );
  const response = await server.fetch("/fn/v1/streams");
  const headAtMs = performance.now();
  expect(await response.text()).toBe("....");
  const streamedMs = performance.now() - headAtMs;
  const [item] = await recordsOf("streams", 1);
  expect(usedBy(item).run_ms).toBeGreaterThan(Math.min(streamedMs, 190) - 5);
});

test("what is refused before it reaches an instance uses nothing", async () => {
  await server.deploy("narrow", sleeps, {
    concurrency: { max_instances: 1, per_instance: 1, max_concurrency: 1, queue_ms: 0 },
  });
  const statuses = await Promise.all(
    Array.from({ length: 6 }, async () => (await server.fetch("/fn/v1/narrow")).status),
  );
  expect(statuses.toSorted((a, b) => a - b)).toEqual([200, 429, 429, 429, 429, 429]);
  const records = await recordsOf("narrow", 6);
  for (const item of records.filter(({ status }) => status === 429)) {
    expect(item.usage).toEqual({ run_ms: 0, vcpu_ms: 0, gb_s: 0 });
  }
  const total = (await server.client.getFunctionUsage("narrow")).total;
  expect(total.invocations).toBe(6);
  expect(total.run_ms).toBe(usedBy(records.find(({ status }) => status === 200)).run_ms);
});

test("queued invocations, schedules, hooks and the playground are measured as well", async () => {
  const schedule = [{ cron: "0 0 1 1 *" }];
  await server.deploy("everywhere", sleeps, { hooks: ["pre-backup"], schedule });
  await server.client.runSchedules("everywhere");
  await server.fetch("/fn/v1/everywhere", { headers: { prefer: "respond-async" } });
  await server.client.runHooks("pre-backup", { projectId: "prj-7" });
  for (const item of await recordsOf("everywhere", 3)) {
    expect(usedBy(item).run_ms).toBeGreaterThan(195);
  }
  const id = (await server.client.listInvocations({ function: "everywhere" }))
    .map((item) => item.id)
    .at(-1);
  const shown = await server.client.getInvocation(id ?? "");
  expect(usedBy(shown).run_ms).toBeGreaterThan(195);
  const files = new Map([["index.ts", Buffer.from(sleeps)]]);
  const draft = await server.client.runPlayground({ files, event: {} });
  expect(draft.usage.run_ms).toBeGreaterThan(195);
  expect(draft.usage.run_ms).toBeLessThanOrEqual(draft.duration_ms + 0.01);
});

test("a Deno worker is measured with its manifest's limits", async () => {
  const code = `async function handler() {
    await new Promise((done) => setTimeout(done, 200));
    return "slept";
  }`;
  const post = (path: string, body: object) => {
    const headers = {
      authorization: `Bearer ${server.key}`,
      "content-type": "application/json",
    };
    return server.fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  };
  expect((await post("/deploy", { id: "worker", code })).status).toBe(201);
  expect((await post("/invoke/worker", {})).status).toBe(200);
  const [item] = await recordsOf("worker", 1);
  const usage = usedBy(item);
  expect(usage.run_ms).toBeGreaterThan(195);
  expect(usage.gb_s).toBeCloseTo(usage.run_ms * 0.000_25, 8);
});

test("the sums of a function, of the project, of the metrics and of the command line are one", async () => {
  const source = `export default { fetch: () => new Response("12345") };`;
  await server.deploy("summed", source, { limits: { memory_mb: 128 } });
  for (let i = 0; i < 20; i++) await (await server.fetch("/fn/v1/summed")).text();
  const records = await recordsOf("summed", 20);
  const sum = (of: (usage: NonNullable<InvocationResource["usage"]>) => number): number =>
    records.reduce((whole, item) => whole + of(usedBy(item)), 0);
  const { total, steps } = await server.client.getFunctionUsage("summed", { step: "hour" });
  expect(total).toMatchObject({ invocations: 20, cold_starts: 1, bytes_out: 100 });
  expect(total.run_ms).toBeCloseTo(
    sum((usage) => usage.run_ms),
    2,
  );
  expect(total.gb_s).toBeCloseTo(
    sum((usage) => usage.gb_s),
    7,
  );
  expect(steps.reduce((whole, step) => whole + step.invocations, 0)).toBe(20);
  expect(await metric("reactor_run_seconds_total", "summed")).toBeCloseTo(total.run_ms / 1000, 6);
  expect(await metric("reactor_vcpu_seconds_total", "summed")).toBeCloseTo(total.vcpu_ms / 1000, 6);
  expect(await metric("reactor_gb_seconds_total", "summed")).toBeCloseTo(total.gb_s, 6);
  const { items } = await server.client.listUsage();
  expect(items.find((item) => item.function === "summed")).toMatchObject(total);
  const told = await server.cli("usage", "summed", "--since", "1h", "--json");
  expect(JSON.parse(told.stdout)).toMatchObject({ function: "summed", total });
  const shown = await server.cli("usage");
  expect(shown.stdout).toMatch(/^summed +20 +1 /m);
  await server.client.deleteFunction("summed");
  expect((await server.client.getFunctionUsage("summed")).total).toEqual(total);
  expect((await server.cli("usage")).stdout).toMatch(/^summed \(deleted\) +20 +1 /m);
});

test.each([
  "since=yesterday",
  "since=2026-13-01T00:00:00Z",
  "since=2026-11-02T00:00:00Z&until=2026-11-01T00:00:00Z",
  "since=2020-01-01T00:00:00Z&step=hour",
  "step=minute",
  "since=",
  "until=2026-11-01T00:00:00Z&until=2026-11-02T00:00:00Z",
  "since=+275760-09-13T00:00:00Z",
  "limit=5",
])("a wrong query is refused with what is wrong: %s", async (query) => {
  const headers = { Authorization: `Bearer ${server.key}` };
  const response = await server.fetch(`/api/v1/functions/sleeps/usage?${query}`, { headers });
  const { error } = await response.json();
  expect([response.status, error.code]).toEqual([400, "invalid_request"]);
  expect(error.details.pointer).toMatch(/^\/?(since|until|step|limit)$/);
});

test("the widest range there is costs no more than what is kept", async () => {
  const headers = { Authorization: `Bearer ${server.key}` };
  const widest = "since=0001-01-01T00:00:00Z&until=9999-12-31T23:59:59Z";
  for (const path of ["/functions/sleeps/usage", "/usage"]) {
    const response = await server.fetch(`/api/v1${path}?${widest}`, { headers });
    expect(response.status).toBe(200);
    const body = await response.json();
    expect(Date.parse(body.until) - Date.now()).toBeLessThanOrEqual(3_600_000);
    expect(Date.parse(body.complete_since)).toBeLessThanOrEqual(Date.now());
  }
});

test("kill -9 keeps the usage of every record that was readable, and each once", async () => {
  const first = await startServer();
  let second: TestServer | undefined;
  try {
    await first.deploy("killed", `export default { fetch: () => new Response("ok") };`);
    for (let i = 0; i < 30; i++) await (await first.fetch("/fn/v1/killed")).text();
    const before = await first.client.getFunctionUsage("killed");
    expect(before.total.invocations).toBe(30);
    first.signal("SIGKILL");
    await first.exited;
    second = await startServer({ dataDir: first.dataDir });
    const after = await second.client.getFunctionUsage("killed");
    expect(after.total).toEqual(before.total);
    expect(after.complete_since).toBe(before.complete_since);
    await (await second.fetch("/fn/v1/killed")).text();
    expect((await second.client.getFunctionUsage("killed")).total.invocations).toBe(31);
  } finally {
    await (second ?? first).stop();
  }
});
