import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClient } from "../../src/client/client.ts";
import { findPostgres } from "../../src/database/postgres/find-postgres.ts";
import { startServer, type TestServer, until } from "./reactor.ts";

const postgres = findPostgres({ setting: undefined, searchPath: process.env["PATH"] })[0];

/** Rows of the store that belong to the project, by table; the server must not run. */
function rowsOf(dataDir: string, projectId: string): Record<string, number> {
  const database = new Database(join(dataDir, "reactor.db"), { readonly: true });
  const functions = `select id from functions where project_id = '${projectId}'`;
  const count = (from: string): number =>
    Number(Object.values(database.query(`select count(*) from ${from}`).get() as object)[0]);
  try {
    return {
      projects: count(`projects where id = '${projectId}'`),
      functions: count(`functions where project_id = '${projectId}'`),
      deployments: count(`deployments where function_id in (${functions})`),
      queue: count(`queue where project_id = '${projectId}'`),
      payloads: count("queue_payloads"),
      env: count(`env where project_id = '${projectId}'`),
      keys: count(`api_keys where project_id = '${projectId}'`),
    };
  } finally {
    database.close();
  }
}

/** Databases that PostgreSQL has, those of its own included. */
async function databases(server: TestServer): Promise<number> {
  return (await readdir(join(server.dataDir, "postgres", "cluster", "base"))).length;
}

test("projects delete takes everything with it, also when the server is killed right after", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "reactor-e2e-"));
  let server = await startServer({ dataDir });
  try {
    const { id } = await server.client.createProject("shop");
    const shop = createClient({ url: server.url, key: server.key, project: "shop" });
    await shop.setProjectEnv({ key: "TOKEN", value: "hidden-value", secret: true });
    const { key } = await shop.createKey({ name: "till", scopes: ["functions:*:*"] });
    const manifest = { name: "sell", access: "public", route: "/sell", method: "ANY" };
    const files = new Map([
      ["index.ts", Buffer.from("export default () => new Response('sold')")],
      ["reactor.json", Buffer.from(JSON.stringify(manifest))],
    ]);
    await shop.deploy("sell", { files, promote: true, createFunction: true });
    await server.deploy("stays", "export default () => new Response('here')");
    const ask = async (path: string, headers: Record<string, string> = {}) =>
      (await server.fetch(path, { method: "POST", headers })).status;
    for (let n = 0; n < 20; n++) {
      const later = { prefer: "respond-async", "x-reactor-delay": "3600" };
      expect(await ask("/fn/v1/shop:sell", later)).toBe(202);
    }
    let before = 0;
    if (postgres !== undefined) {
      await server.client.queryDatabase({ sql: "create table kept (a int)", write: true });
      before = await databases(server);
      await shop.queryDatabase({ sql: "create table orders (a int)", write: true });
      expect(await databases(server)).toBe(before + 1);
    }
    expect(await ask("/sell", { host: "shop.localhost" })).toBe(200);

    const unsaid = await server.cli("projects", "delete", "shop");
    expect(unsaid).toMatchObject({ code: 2, stderr: expect.stringContaining("--yes") });
    const full = await server.cli("projects", "delete", "shop", "--yes");
    expect(full.code).toBe(1);
    expect(full.stderr).toContain("sell");
    expect(full.stderr).toContain("--force");
    expect(await ask("/sell", { host: "shop.localhost" })).toBe(200);
    const removed = await server.cli("projects", "delete", "shop", "--yes", "--force");
    expect(removed).toMatchObject({ code: 0, stdout: expect.stringContaining("1 functions") });
    server.signal("SIGKILL");
    await server.exited;

    server = await startServer({ dataDir });
    expect(await ask("/sell", { host: "shop.localhost" })).toBe(404);
    expect(await ask("/fn/v1/shop:sell")).toBe(404);
    expect(await ask("/fn/v1/stays")).toBe(200);
    expect((await server.cli("projects", "list")).stdout).not.toContain("shop");
    const old = await server.fetch("/api/v1/functions?project=shop", {
      headers: { authorization: `Bearer ${key}` },
    });
    expect(old.status).toBe(401);
    await until("the rest is erased", () => server.output().includes("project is erased"));
    if (postgres !== undefined) {
      expect(await databases(server)).toBe(before);
      const sql = "select count(*)::int as n from kept";
      expect((await server.client.queryDatabase({ sql })).rows).toEqual([[0]]);
    }
    // The name is free, and a project of that name has nothing of the former.
    const again = await server.client.createProject("shop");
    expect(again.id).not.toBe(id);
    const fresh = createClient({ url: server.url, key: server.key, project: "shop" });
    expect(await fresh.listProjectEnv()).toEqual([]);
    expect((await fresh.listFunctions()).items).toEqual([]);
    await server.stop({ keepData: true });
    const nothing = Object.keys(rowsOf(dataDir, id)).map((table) => [table, 0]);
    expect(rowsOf(dataDir, id)).toEqual(Object.fromEntries(nothing));
  } finally {
    await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}, 180_000);
