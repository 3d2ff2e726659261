import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { startServer, type TestServer } from "./reactor.ts";

/** What may be queued, for whom, and how it lies on disk. */
let server: TestServer;

const queuedMax = 3;
const queuedBytesMax = 4096;

beforeAll(async () => {
  server = await startServer({
    env: {
      REACTOR_FUNCTIONS_ASYNC_MAX_QUEUED: String(queuedMax),
      REACTOR_FUNCTIONS_ASYNC_MAX_QUEUED_BYTES: String(queuedBytesMax),
    },
  });
  for (const name of ["counted", "weighed", "keyed"]) {
    const access = name === "keyed" ? "key" : "public";
    await server.deploy(name, `export default { fetch: () => new Response("ok") };`, { access });
  }
});

afterAll(() => server.stop());

function accept(name: string, body: string, headers: object = {}): Promise<Response> {
  return server.fetch(`/fn/v1/${name}`, {
    method: "POST",
    headers: { prefer: "respond-async", "x-reactor-delay": "3600", ...headers },
    body,
  });
}

test("more than a function may have queued are 429, by number and by bytes", async () => {
  const counted: number[] = [];
  for (let call = 0; call <= queuedMax; call++)
    counted.push((await accept("counted", "{}")).status);
  expect(counted).toEqual([202, 202, 202, 429]);
  const half = JSON.stringify("x".repeat(queuedBytesMax / 2 - 100));
  const weighed = [half, half, half].map(async (body) => (await accept("weighed", body)).status);
  expect((await Promise.all(weighed)).toSorted((a, b) => a - b)).toEqual([202, 202, 429]);
});

test("an Idempotency-Key is its caller's own: another's with the same key is another invocation", async () => {
  const ids = new Set<string>();
  for (const name of ["one", "two"]) {
    const { key } = await server.client.createKey({ name, scopes: ["functions:keyed:invoke"] });
    const headers = { authorization: `Bearer ${key}`, "idempotency-key": "order-7" };
    for (let again = 0; again < 2; again++) {
      const response = await accept("keyed", "{}", headers);
      expect(response.status).toBe(202);
      ids.add(((await response.json()) as { id: string }).id);
    }
  }
  expect(ids.size).toBe(2);
});

test("nothing of a queued request's body lies on disk in clear", async () => {
  const canary = "canary-of-a-queued-body-71b2";
  const headers = { authorization: `Bearer ${server.key}` };
  expect((await accept("keyed", JSON.stringify({ canary }), headers)).status).toBe(202);
  const entries = await readdir(server.dataDir, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((one) => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const bytes = await readFile(path);
    expect({ path, holds: bytes.includes(canary) }).toEqual({ path, holds: false });
  }
});
