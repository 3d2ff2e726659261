import { expect, test } from "bun:test";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { startServer } from "../e2e/reactor.ts";

/** The longest that a change may wait for a database that somebody else holds, and then some. */
const waitMsMax = 15_000;

test("a database that another process locks: a change waits for a bounded time and is 503, the rest goes on, and it heals", async () => {
  const server = await startServer();
  await server.deploy("base", `export default { fetch: () => new Response(process.env.COLOR) };`);
  const setColor = (value: string): Promise<Response> =>
    server.fetch("/api/v1/functions/base/env/COLOR", {
      method: "PUT",
      headers: { authorization: `Bearer ${server.key}`, "content-type": "application/json" },
      body: JSON.stringify({ value }),
    });
  expect((await setColor("before")).status).toBe(200);
  const answer = async (): Promise<string> => (await server.fetch("/fn/v1/base")).text();
  expect(await answer()).toBe("before");

  const other = new DatabaseSync(join(server.dataDir, "reactor.db"));
  other.exec("begin immediate");
  const startMs = performance.now();
  const waiting = setColor("never");
  while (Bun.peek.status(waiting) === "pending") {
    expect(await answer()).toBe("before");
    expect((await server.client.listFunctions()).items).toHaveLength(1);
  }
  const refused = await waiting;
  expect(refused.status).toBe(503);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(await refused.json()).toMatchObject({ error: { code: "storage_unavailable" } });
  expect(performance.now() - startMs).toBeLessThan(waitMsMax);
  other.exec("rollback");
  other.close();

  expect((await setColor("after")).status).toBe(200);
  expect(await answer()).toBe("after");
  await server.stop();
}, 60_000);
