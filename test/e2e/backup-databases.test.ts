import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256Hex } from "../../src/base/digest.ts";
import { createClient, type ReactorClient } from "../../src/client/client.ts";
import { findPostgres } from "../../src/database/postgres/find-postgres.ts";
import { processesWith, reactor, root, startServer, type TestServer, until } from "./reactor.ts";

/** Function databases in backups of a real server with a real PostgreSQL, restored and served again. */
const postgres = findPostgres({ setting: undefined, searchPath: process.env["PATH"] })[0];
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "reactor-backup-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function backup(server: TestServer, ...args: string[]) {
  return reactor(["backup", ...args], {
    env: { REACTOR_URL: server.url, REACTOR_API_KEY: server.key },
  });
}

/** The rows that a query gives, by column. */
async function rows(client: ReactorClient, sql: string): Promise<readonly object[]> {
  const { columns, rows: found } = await client.queryDatabase({ sql, write: true });
  return found.map((row) => Object.fromEntries(columns.map((column, n) => [column, row[n]])));
}

const everything = `
  select (select count(*)::int from accounts) as accounts, (select sum(amount)::int from accounts) as total,
    (select string_agg(note, ',' order by id) from notes) as notes, (select doc->>'a' from notes where id = 1) as doc,
    (select count(*)::int from rich) as rich, nextval('notes_id_seq')::int as next,
    (select size::text || twice || (tag = 'RED')::text from wares) as ware, (select n::int from totals) as n,
    (select count(*)::int from guarded) as guarded, encode(lo_get(4711), 'hex') as object,
    obj_description('side.table_of_its_own'::regclass) as said`;

describe.skipIf(postgres === undefined)("function databases (need PostgreSQL)", () => {
  let server: TestServer;
  let shop: ReactorClient;

  beforeAll(async () => {
    server = await startServer();
    await server.client.createProject("shop");
    shop = createClient({ url: server.url, key: server.key, project: "shop" });
    const write = (client: ReactorClient, sql: string) =>
      client.queryDatabase({ sql, write: true });
    for (const sql of [
      "create table accounts (id int primary key, amount int not null)",
      "insert into accounts select n, 100 from generate_series(1, 2000) n",
      "create table notes (id serial primary key, note text unique, doc jsonb)",
      `insert into notes (note, doc) values ('ä ''"\\', '{"a": "b"}'), ('two', null)`,
      "create view rich as select * from accounts where amount >= 100",
      // Runs while rows are restored, and then as whoever restores them.
      `create function harmless(amount int) returns boolean language plpgsql as $$ begin
         if current_setting('is_superuser') = 'on' then raise exception 'as the superuser'; end if;
         return true; end $$`,
      "alter table accounts add constraint harmless check (harmless(amount))",
      // What else a schema may have.
      "create type size as enum ('s', 'l')",
      "create domain positive as int check (value > 0 and harmless(value))",
      "create extension citext",
      `create table wares (id int generated always as identity primary key, size size not null,
         price positive, twice int generated always as (price * 2) stored, tag citext,
         account int references accounts deferrable initially deferred)`,
      "insert into wares (size, price, tag, account) values ('l', 5, 'Red', 1)",
      "create table events (at date, n int) partition by range (at)",
      "create table events_2026 partition of events for values from ('2026-01-01') to ('2027-01-01')",
      "insert into events values ('2026-05-05', 1)",
      "create materialized view totals as select sum(n) as n from events",
      "create index on accounts ((amount % 7))",
      "create table guarded (n int)",
      "alter table guarded enable row level security",
      "alter table guarded force row level security",
      "create policy most on guarded using (n > 1) with check (true)",
      "insert into guarded values (1), (2)",
      "create function touch() returns trigger language plpgsql as $$ begin new.n = new.n + 100; return new; end $$",
      "create trigger touch before insert on guarded for each row execute function touch()",
      "select lo_from_bytea(4711, '\\xcafe')",
      "create schema side",
      "create table side.table_of_its_own (a int)",
      "comment on table side.table_of_its_own is 'said'",
      "alter default privileges in schema side grant select on tables to public",
      "grant select on wares to public",
    ]) {
      await write(server.client, sql);
    }
    await write(shop, "create table orders (id int)");
    await write(shop, "insert into orders values (7)");
    await server.deploy(
      "move",
      `export async function handler({ from, to }, { db }) {
        await db.transaction(async (tx) => {
          await tx.sql("update accounts set amount = amount - 1 where id = $1", [from]);
          await tx.sql("update accounts set amount = amount + 1 where id = $1", [to]);
        });
        return {};
      }`,
    );
  }, 180_000);
  afterAll(() => server.stop());

  /** Moves money until told to stop. */
  function moveMoney() {
    const state = { done: false, moved: 0 };
    const running = (async () => {
      for (let n = 0; !state.done; n++) {
        const body = JSON.stringify({ from: 1 + (n % 2000), to: 1 + ((n * 7 + 1) % 2000) });
        const response = await server.fetch("/fn/v1/move", { method: "POST", body });
        expect(response.status).toBe(200);
        state.moved += 1;
      }
    })();
    return async () => {
      state.done = true;
      await running;
      return state.moved;
    };
  }

  test("each project's rows come back in a fresh data folder, as of one moment", async () => {
    const file = join(folder, "all.tar");
    const stop = moveMoney();
    const made = await backup(server, "create", "--output", file, "--json");
    expect(await stop()).toBeGreaterThan(0);
    expect(made.code).toBe(0);
    expect(made.stderr).not.toContain("DATABASES");
    const { databases } = JSON.parse(made.stdout) as { databases: { projects: string[] } };
    expect(databases).toMatchObject({ state: "included" });
    expect(databases.projects).toHaveLength(2);
    expect(await readdir(join(server.dataDir, "backup"))).toEqual([]);
    const verified = await backup(server, "verify", file);
    expect(verified).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("the databases of 2 projects"),
    });

    const dataDir = join(folder, "restored");
    const restored = await backup(server, "restore", file, "--data-dir", dataDir);
    expect({ code: restored.code, stderr: restored.stderr }).toMatchObject({ code: 0 });
    expect(restored.stdout).toContain("the databases of 2 projects");
    expect(restored.stderr).not.toContain("DATABASES");
    expect((await readdir(dataDir)).sort()).not.toContain("databases");
    await writeFile(join(dataDir, "data.key"), await readFile(join(server.dataDir, "data.key")), {
      mode: 0o600,
    });
    await writeFile(join(dataDir, "admin.key"), `${server.key}\n`, { mode: 0o600 });
    const again = await startServer({ dataDir });
    try {
      const [found] = await rows(again.client, everything);
      expect(found).toMatchObject({
        accounts: 2000,
        total: 200_000,
        notes: `ä '"\\,two`,
        doc: "b",
        next: 3,
        ware: "l10true",
        n: 1,
        guarded: 1,
        object: "cafe",
        said: "said",
      });
      const other = createClient({ url: again.url, key: server.key, project: "shop" });
      expect(await rows(other, "select id from orders")).toEqual([{ id: 7 }]);
      const refused = await rows(other, "select * from accounts").then(() => "read", String);
      expect(refused).toContain('relation "accounts" does not exist');
      // It is written on, by the login that owns it.
      await again.client.queryDatabase({ sql: "drop table notes", write: true });
      const body = JSON.stringify({ from: 1, to: 2 });
      const moved = await again.fetch("/fn/v1/move", { method: "POST", body });
      expect(moved.status).toBe(200);
    } finally {
      await again.stop({ keepData: true });
    }
  }, 180_000);

  test("a client that leaves while a database is dumped ends the dump, and nothing is left", async () => {
    const held = new AbortController();
    // The dump waits for the lock, and the lock for the end of this test.
    const lock = server.client
      .queryDatabase(
        {
          sql: "do $$ begin lock table accounts in access exclusive mode; perform pg_sleep(50); end $$",
          write: true,
        },
        { signal: held.signal },
      )
      .then(String, String);
    try {
      const copies = join(server.dataDir, "backup");
      const sql = "do $$ begin lock table accounts in access share mode nowait; end $$";
      const isLocked = () =>
        server.client.queryDatabase({ sql, write: true }).then(
          () => false,
          (error: unknown) => String(error).includes("could not obtain lock"),
        );
      await until("the table is locked", isLocked);
      const leaving = new AbortController();
      const asked = server.client.createBackup({}, { signal: leaving.signal }).then(String, String);
      await until("pg_dump waits", async () => (await processesWith(copies)).length > 0);
      expect(await readdir(copies)).toHaveLength(1);
      leaving.abort(new Error("left"));
      expect(await asked).toContain("left");
      await until("pg_dump is gone", async () => (await processesWith(copies)).length === 0);
      await until("its copies are gone", async () => (await readdir(copies)).length === 0);
      // Else the dump could have come to its own end.
      expect(await isLocked()).toBe(true);
    } finally {
      held.abort();
      await lock;
    }
    expect((await backup(server, "create", "--output", join(folder, "all.tar"))).code).toBe(0);
  }, 180_000);

  test("a flipped bit of a database is found, by verify and by restore", async () => {
    const file = join(folder, "all.tar");
    expect((await backup(server, "create", "--output", file)).code).toBe(0);
    const bytes = await readFile(file);
    const at = bytes.indexOf("PGDMP") + 2000;
    bytes.writeUInt8(bytes.readUInt8(at) ^ 4, at);
    await writeFile(file, bytes);
    const dataDir = join(folder, "restored");
    for (const args of [
      ["verify", file],
      ["restore", file, "--data-dir", dataDir],
    ]) {
      const refused = await backup(server, ...args);
      expect(refused).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/databases\/\w+\.dump is damaged/),
      });
    }
    expect(await readdir(folder)).toEqual(["all.tar"]);
  }, 180_000);

  test("left out when told so, and said wherever they are missed", async () => {
    const file = join(folder, "small.tar");
    const made = await backup(server, "create", "--output", file, "--no-databases");
    expect(made).toMatchObject({ code: 0, stderr: expect.stringContaining("left out") });
    expect((await readFile(file)).includes("PGDMP")).toBe(false);
    expect((await backup(server, "verify", file)).stdout).toContain("they were left out");
    const restored = await backup(server, "restore", file, "--data-dir", join(folder, "restored"));
    expect(restored).toMatchObject({ code: 0, stderr: expect.stringContaining("empty ones") });
    const full = join(folder, "all.tar");
    expect((await backup(server, "create", "--output", full)).code).toBe(0);
    const bare = ["--data-dir", join(folder, "bare"), "--no-databases"];
    const without = await backup(server, "restore", full, ...bare);
    expect(without).toMatchObject({ code: 0, stderr: expect.stringContaining("NOT RESTORED") });
    expect(await readdir(join(folder, "bare"))).not.toContain("postgres");
  }, 180_000);

  test("a restore that is killed leaves no data folder and no PostgreSQL, and the next one succeeds", async () => {
    const file = join(folder, "all.tar");
    expect((await backup(server, "create", "--output", file)).code).toBe(0);
    const dataDir = join(folder, "restored");
    const command = ["backup", "restore", file, "--data-dir", dataDir];
    const child = Bun.spawn([join(root, "bin/reactor"), ...command], {
      stdout: "ignore",
      stderr: "ignore",
    });
    const mark = `reactor-restore-${sha256Hex(dataDir).slice(0, 8)}`;
    await until("its PostgreSQL runs", async () => (await processesWith(mark)).length > 0);
    child.kill("SIGKILL");
    await child.exited;
    await until("it is gone", async () => (await processesWith(mark)).length === 0, {
      looksMax: 4500,
    });
    expect(await readdir(folder)).not.toContain("restored");
    expect((await reactor(command)).code).toBe(0);
    expect((await readdir(folder)).sort()).toEqual(["all.tar", "restored"]);
  }, 180_000);

  test("where pg_dump or PostgreSQL is missing, what to do is said", async () => {
    const file = join(folder, "all.tar");
    expect((await backup(server, "create", "--output", file)).code).toBe(0);
    const empty = join(folder, "empty");
    await mkdir(empty);
    const to = ["--data-dir", join(folder, "restored"), "--database-binaries", empty];
    const refused = await backup(server, "restore", file, ...to);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain("apt-get install postgresql");
    expect(refused.stderr).toContain("--no-databases");

    const binaries = join(folder, "binaries");
    await mkdir(binaries);
    // PostgreSQL runs as another user.
    for (const path of [folder, binaries]) await chmod(path, 0o755);
    for (const name of ["postgres", "initdb"]) {
      await symlink(join(postgres ?? "", name), join(binaries, name));
    }
    const bare = await startServer({ env: { REACTOR_DATABASE_BINARIES: binaries } });
    try {
      await bare.client.queryDatabase({ sql: "create table t (a int)", write: true });
      const output = ["create", "--output", join(folder, "bare.tar")];
      const failed = await backup(bare, ...output);
      expect(failed.code).toBe(1);
      expect(failed.stderr).toContain("postgresql-client");
      expect((await backup(bare, ...output, "--no-databases")).code).toBe(0);
    } finally {
      await bare.stop();
    }
  }, 180_000);
});

test("databases on a server of the operator's own are not in it, and that is said", async () => {
  const url = "postgres://somebody:word@127.0.0.1:1/postgres";
  const server = await startServer({ env: { REACTOR_DATABASE_URL: url } });
  try {
    const file = join(folder, "all.tar");
    const made = await backup(server, "create", "--output", file);
    expect(made.code).toBe(0);
    expect(made.stderr).toContain("THE FUNCTION DATABASES ARE NOT IN THIS BACKUP");
    expect(made.stderr).toContain("DATABASE_URL");
    expect(made.stderr).not.toContain("word@");
    expect((await backup(server, "verify", file)).stdout).toContain("on another server");
    const restored = await backup(server, "restore", file, "--data-dir", join(folder, "restored"));
    expect(restored.stderr).toContain("a server of the operator's own");
  } finally {
    await server.stop();
  }
});

test("a server whose functions never used a database has none in its backup", async () => {
  const server = await startServer();
  try {
    const file = join(folder, "all.tar");
    const made = await backup(server, "create", "--output", file, "--json");
    expect(JSON.parse(made.stdout)).toMatchObject({
      databases: { state: "included", projects: [] },
    });
    expect(made.stderr).not.toContain("DATABASES");
    expect(await readdir(server.dataDir)).not.toContain("postgres");
  } finally {
    await server.stop();
  }
});
