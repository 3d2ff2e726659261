import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { findPostgres } from "../../src/database/postgres/find-postgres.ts";
import { deployPython } from "../compatibility/deploy-python.harness.ts";
import {
  type RunResult,
  reactor,
  runDirOf,
  startServer,
  type TestServer,
  until,
} from "./reactor.ts";

const postgres = findPostgres({ setting: undefined, searchPath: process.env["PATH"] })[0];

/** A function that passes its body's `ask` on to `ctx.db`, in JavaScript. */
const relay = `
export async function handler(event, { db, secrets, log }) {
  const { ask, query, text, params } = event;
  try {
    if (ask === "query") return { result: await db.query(query) };
    if (ask === "all") {
      log("asked with", secrets.get("TOKEN").length, "characters");
      return { secret: secrets.get("TOKEN"), rows: await db.sql("select 1 as one") };
    }
    if (ask === "sql") return { result: await db.sql(text, params) };
    if (ask === "bytes") {
      const rows = await db.sql("select $1::bytea as b, $2::timestamptz as t, $3::jsonb as j, $4::text[] as a, $5::int8 as n", [
        new Uint8Array([0, 255]), new Date(0), { a: [1] }, ["x", 'y"'], 12n]);
      return { isBytes: rows[0].b instanceof Uint8Array, bytes: [...rows[0].b], ...rows[0], b: undefined };
    }
    if (ask === "transfer") {
      await db.transaction(async (tx) => {
        await tx.query({ table: "accounts", operation: "update", data: { amount: 1 }, filters: [{ column: "id", op: "eq", value: 1 }] });
        if (event.fail) throw new Error("no money");
        await tx.query({ table: "accounts", operation: "update", data: { amount: 9 }, filters: [{ column: "id", op: "eq", value: 2 }] });
      });
      return { result: "done" };
    }
    if (ask === "leave open") {
      db.transaction(async (tx) => {
        await tx.query({ table: "accounts", operation: "delete", all: true });
        await new Promise(() => {});
      }).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, event.ms));
      return { result: "left" };
    }
    if (ask === "large") {
      const rows = await db.sql("select $1::text as t", ["x".repeat(event.chars)]);
      return { length: rows[0].t.length };
    }
    if (ask === "many") {
      for (let i = 0; i < 25; i++) await db.sql("select $1::int as n", [i]);
      return { result: "asked" };
    }
  } catch (error) {
    return { name: error.name, code: error.code, field: error.field, sqlstate: error.sqlstate, message: error.message };
  }
}`;

/** The same in Python: sync, and async with its own way to begin a transaction. */
const pythonRelay = `
def handler(event, context):
    db, ask = context.db, event["ask"]
    try:
        if ask == "all":
            secret = context.secrets.get("TOKEN")
            context.log("asked with", len(secret), "characters")
            return {"secret": secret, "rows": db.sql("select 1 as one")}
        if ask == "query":
            return {"result": db.query(event["query"])}
        if ask == "sql":
            return {"result": db.sql(event["text"], event.get("params", []))}
        if ask == "bytes":
            import datetime
            epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
            row = db.sql(
                "select $1::bytea as b, $2::timestamptz as t, $3::jsonb as j, $4::text[] as a, $5::int8 as n",
                [b"\\x00\\xff", epoch, {"a": [1]}, ["x", 'y"'], 12],
            )[0]
            return {**row, "isBytes": isinstance(row["b"], bytes), "bytes": list(row["b"]), "b": None}
        if ask == "transfer":
            with db.transaction() as tx:
                tx.query(table="accounts", operation="update", data={"amount": 1}, filters=[{"column": "id", "op": "eq", "value": 1}])
                if event["fail"]:
                    raise RuntimeError("no money")
                tx.query(table="accounts", operation="update", data={"amount": 9}, filters=[{"column": "id", "op": "eq", "value": 2}])
            return {"result": "done"}
        if ask == "large":
            return {"length": len(db.sql("select $1::text as t", ["x" * event["chars"]])[0]["t"])}
    except Exception as error:
        return {"name": type(error).__name__, "code": getattr(error, "code", None), "field": getattr(error, "field", None), "message": str(error)}
`;
const pythonAsyncRelay = pythonRelay
  .replace("def handler", "async def handler")
  .replaceAll(/\b((?:db|tx)\.(?:query|sql)\()/g, "await $1")
  .replace("row = await db.sql(", "row = (await db.sql(")
  .replace(/\["x", 'y"'\], 12\],\n\s+\)\[0\]/, (text) => text.replace(")[0]", "))[0]"))
  .replace(
    'len(await db.sql("select $1::text as t", ["x" * event["chars"]])[0]["t"])',
    'len((await db.sql("select $1::text as t", ["x" * event["chars"]]))[0]["t"])',
  )
  .replace("with db.transaction", "async with db.transaction");

interface Relay {
  readonly name: string;
  readonly source: string;
  readonly manifest: Record<string, unknown>;
}

const relays: readonly Relay[] = [
  { name: "on-bun", source: relay, manifest: { runtime: "bun" } },
  { name: "on-node", source: relay, manifest: { runtime: "node" } },
  { name: "on-deno", source: relay, manifest: { runtime: "deno" } },
  { name: "on-workers", source: relay, manifest: { runtime: "deno", isolation: "worker" } },
  { name: "on-python", source: pythonRelay, manifest: { runtime: "python" } },
  { name: "on-python-async", source: pythonAsyncRelay, manifest: { runtime: "python" } },
];

describe.skipIf(postgres === undefined)("ctx.db (needs PostgreSQL)", () => {
  let server: TestServer;

  const ask = async (name: string, event: object): Promise<Record<string, unknown>> => {
    const response = await server.fetch(`/fn/v1/${name}`, {
      method: "POST",
      headers: { authorization: `Bearer ${server.key}`, "content-type": "application/json" },
      body: JSON.stringify(event),
    });
    const answer: Record<string, unknown> = await response.json();
    expect([response.status, answer]).toEqual([200, answer]);
    return answer;
  };
  const amounts = async (): Promise<unknown> =>
    (await ask("on-bun", { ask: "sql", text: "select id, amount from accounts order by id" }))[
      "result"
    ];
  const logged = async (name: string, text: string): Promise<void> => {
    await until(`the log says ${text}`, async () => {
      const { stdout } = await server.cli("functions", "logs", name, "--json");
      return stdout.includes(text);
    });
  };

  beforeAll(async () => {
    server = await startServer({ runtimes: "all", env: { REACTOR_DATABASE_SLOW_QUERY_MS: "200" } });
    await server.client.setProjectEnv({ key: "TOKEN", value: "hidden-value", secret: true });
    await server.deploy("on-bun", relay);
    const made = await ask("on-bun", {
      ask: "sql",
      text: "create table accounts (id int primary key, amount int not null)",
    });
    expect(made).toEqual({ result: [] });
  }, 120_000);
  afterAll(async () => server?.stop(), 60_000);

  for (const { name, source, manifest } of relays) {
    test(`a function ${name} reads, writes, runs transactions and hears what is wrong`, async () => {
      if (manifest["runtime"] === "python") await deployPython(server, name, source);
      else if (name !== "on-bun") await server.deploy(name, source, manifest);
      await ask(name, {
        ask: "query",
        query: { table: "accounts", operation: "delete", all: true },
      });
      const data = [
        { id: 1, amount: 5 },
        { id: 2, amount: 5 },
      ];
      expect(
        await ask(name, { ask: "query", query: { table: "accounts", operation: "insert", data } }),
      ).toEqual({ result: data });
      expect(
        await ask(name, { ask: "query", query: { table: "accounts", operation: "count" } }),
      ).toEqual({ result: 2 });
      const found = {
        table: "accounts",
        operation: "select",
        columns: ["id"],
        filters: [{ column: "id", op: "in", value: [2, 3] }],
      };
      expect(await ask(name, { ask: "query", query: found })).toEqual({ result: [{ id: 2 }] });
      const { b, ...values } = await ask(name, { ask: "bytes" });
      expect(b ?? null).toBeNull();
      expect(values).toEqual({
        isBytes: true,
        bytes: [0, 255],
        t: "1970-01-01T00:00:00Z",
        j: { a: [1] },
        a: ["x", 'y"'],
        n: 12,
      });
      expect(await ask(name, { ask: "large", chars: 1_500_000 })).toEqual({ length: 1_500_000 });
      expect(await ask(name, { ask: "transfer", fail: true })).toMatchObject({
        message: "no money",
      });
      expect(await amounts()).toEqual(data);
      expect(await ask(name, { ask: "transfer", fail: false })).toEqual({ result: "done" });
      expect(await amounts()).toEqual([
        { id: 1, amount: 1 },
        { id: 2, amount: 9 },
      ]);
      expect(await ask(name, { ask: "all" })).toEqual({
        secret: "hidden-value",
        rows: [{ one: 1 }],
      });
      await logged(name, "asked with 12 characters");
      const everything = { table: "accounts", operation: "delete" };
      expect(await ask(name, { ask: "query", query: everything })).toMatchObject({
        name: "DatabaseError",
        code: "invalid_request",
        field: "filters",
      });
    }, 90_000);
  }

  test("a transaction that is left open is rolled back when its invocation ends", async () => {
    const data = [
      { id: 1, amount: 1 },
      { id: 2, amount: 9 },
    ];
    await ask("on-bun", { ask: "query", query: { table: "accounts", operation: "upsert", data } });
    const before = await amounts();
    expect(await ask("on-bun", { ask: "leave open", ms: 100 })).toEqual({ result: "left" });
    // Blocks while anybody holds the rows.
    const updated = await ask("on-bun", {
      ask: "sql",
      text: "update accounts set amount = amount returning id",
    });
    expect(updated).toEqual({ result: [{ id: 1 }, { id: 2 }] });
    expect(await amounts()).toEqual(before);
  }, 60_000);

  test("a slow query and one that is repeated are said in the function's log", async () => {
    await ask("on-bun", { ask: "sql", text: "select pg_sleep(0.3)" });
    await logged("on-bun", "Slow query: ");
    expect(await ask("on-bun", { ask: "many" })).toEqual({ result: "asked" });
    await logged("on-bun", "The same query ran 21 times in one invocation");
  }, 60_000);

  test("a function holds no credential of the database, and no socket of it is in its reach", async () => {
    await server.deploy(
      "curious",
      `import { connect } from "node:net";
      import { readFileSync, readdirSync } from "node:fs";
      const tried = (path) => new Promise((resolve) => {
        const socket = connect({ path }, () => resolve("connected"));
        socket.once("error", (error) => resolve(error.code));
      });
      export async function handler({ socket }, ctx) {
        await ctx.db.sql("select 1");
        return {
          connected: await tried(socket),
          text: JSON.stringify([process.env, ctx, Object.keys(ctx.db), process.argv])
            + readFileSync("/proc/self/environ", "latin1"),
        };
      }`,
    );
    const socket = join(runDirOf(server.dataDir), "postgres", "s", ".s.PGSQL.5432");
    const found = await ask("curious", { socket });
    expect(found["connected"]).not.toBe("connected");
    for (const word of ["reactor_default", "PGPASS", "postgres://", "SCRAM"]) {
      expect(found["text"]).not.toContain(word);
    }
  });

  test("a draft of the playground is told that it has no database", async () => {
    const code =
      'export const handler = async (event, ctx) => { try { return await ctx.db.sql("select 1"); } catch (error) { return { code: error.code }; } };';
    const file = join(server.dataDir, "draft.ts");
    await writeFile(file, code);
    const { stdout } = await server.cli("playground", "run", file);
    expect(stdout).toContain("database_unavailable");
  }, 60_000);

  test("db migrate, status and query work on the project's database, within their scopes", async () => {
    const home = join(server.dataDir, "project");
    await mkdir(join(home, "schema"), { recursive: true });
    await writeFile(
      join(home, "schema", "1_todos.sql"),
      "create table todos (id serial primary key, title text);",
    );
    await writeFile(
      join(home, "schema", "2_first.sql"),
      "insert into todos (title) values ('Milk');",
    );
    const typed = (key: string, ...args: string[]): Promise<RunResult> =>
      reactor(args, { cwd: home, env: { REACTOR_URL: server.url, REACTOR_API_KEY: key } });
    expect((await typed(server.key, "db", "status")).stdout).toContain("pending");
    expect((await typed(server.key, "db", "migrate")).stdout).toContain(
      "Applied 1_todos.sql, 2_first.sql",
    );
    expect((await typed(server.key, "db", "migrate")).stdout).toContain(
      "Nothing to apply: 2 were applied",
    );
    expect(
      await ask("on-bun", { ask: "query", query: { table: "todos", operation: "select" } }),
    ).toEqual({ result: [{ id: 1, title: "Milk" }] });
    await writeFile(join(home, "schema", "1_todos.sql"), "drop table todos;");
    const refused = await typed(server.key, "db", "migrate");
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining("has changed since"),
    ]);
    expect((await typed(server.key, "db", "status")).stdout).toMatch(/1_todos.sql +changed/);
    const { key: reader } = await server.client.createKey({
      name: "reader",
      scopes: ["database:read"],
    });
    const read = await typed(
      reader,
      "db",
      "query",
      "select title from todos where id = $1",
      "--param",
      "1",
    );
    expect(read.stdout).toContain("Milk");
    const write = await typed(reader, "db", "query", "--write", "delete from todos");
    expect([write.code, write.stderr]).toEqual([1, expect.stringContaining("database:write")]);
    expect((await typed(reader, "db", "query", "delete from todos")).stderr).toContain(
      "read-only transaction",
    );
    expect((await typed(reader, "db", "migrate")).code).toBe(1);
    const { key: stranger } = await server.client.createKey({
      name: "stranger",
      scopes: ["functions:*:*"],
    });
    expect((await typed(stranger, "db", "query", "select 1")).code).toBe(1);
    expect(
      (await typed(server.key, "db", "query", "--write", "delete from todos")).stdout,
    ).toContain("1 row changed");
    const audited = await server.client.listAudit({ limit: 20 });
    expect(audited.items.map(({ command, subject }) => `${command} ${subject}`)).toEqual(
      expect.arrayContaining([
        "database.migrate default:database",
        "database.write default:database",
      ]),
    );
  }, 90_000);

  test("a server that is killed takes PostgreSQL with it, and the next one finds what was committed", async () => {
    const before = await amounts();
    const pidFile = join(server.dataDir, "postgres", "cluster", "postmaster.pid");
    const pid = Number((await readFile(pidFile, "utf8")).split("\n")[0]);
    server.signal("SIGKILL");
    await server.exited;
    server = await startServer({ runtimes: "all", dataDir: server.dataDir });
    expect(await amounts()).toEqual(before);
    expect(Number((await readFile(pidFile, "utf8")).split("\n")[0])).not.toBe(pid);
  }, 120_000);

  test("Ctrl-C in the server's terminal lets a query that runs finish", async () => {
    await server.stop({ keepData: true });
    server = await startServer({ dataDir: server.dataDir, ownGroup: true });
    await ask("on-bun", { ask: "sql", text: "select 1" });
    const text = "select count(pg_sleep(1))::int as slept from pg_advisory_xact_lock(1)";
    const slow = ask("on-bun", { ask: "sql", text });
    const isFree = "select pg_try_advisory_xact_lock_shared(1) as free";
    await until("the query runs", async () => {
      const { result } = await ask("on-bun", { ask: "sql", text: isFree });
      return Bun.deepEquals(result, [{ free: false }]);
    });
    server.interrupt();
    expect(await slow).toEqual({ result: [{ slept: 1 }] });
    expect(await server.exited).toBe(0);
    server = await startServer({ dataDir: server.dataDir });
  }, 120_000);

  test("a server that is stopped stops PostgreSQL, cleanly", async () => {
    const pidFile = join(server.dataDir, "postgres", "cluster", "postmaster.pid");
    await amounts();
    expect(existsSync(pidFile)).toBe(true);
    await server.stop({ keepData: true });
    // PostgreSQL removes the file as the last step of a shutdown.
    expect(existsSync(pidFile)).toBe(false);
    server = await startServer({ runtimes: "all", dataDir: server.dataDir });
  }, 120_000);
});
