import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { assert, asyncProperty, constantFrom, oneof, string } from "fast-check";
import { Ask } from "./testing/ask.ts";
import {
  openTestDatabases,
  postgresFolder,
  type TestDatabases,
} from "./testing/open-test-databases.ts";

describe.skipIf(postgresFolder === undefined)("the function database (needs PostgreSQL)", () => {
  let opened: TestDatabases;
  let ask: Ask;
  const said: string[] = [];

  const sessionOf = (projectId: string): Ask =>
    new Ask(opened.databases.open({ projectId, log: (_level, message) => said.push(message) }));

  beforeAll(async () => {
    opened = openTestDatabases({ settings: { statementTimeoutMs: 3000, repeatedQueriesMax: 500 } });
    ask = sessionOf("default");
    await ask.sql("create table notes (id bigserial primary key, title text, extra jsonb)");
  }, 120_000);
  afterAll(async () => opened?.close(), 60_000);

  test("whatever a name or a value says, it is that name or that value and nothing else", async () => {
    const name = oneof(
      string({ minLength: 1, maxLength: 15, unit: "grapheme" }),
      constantFrom(
        '"',
        '""',
        '"; drop table notes; --',
        "$1",
        "'",
        "\\",
        "a b",
        "select",
        "ÄöÜ",
        "pg_class",
      ),
    ).filter(
      (text) => !text.includes("\0") && text.isWellFormed() && Buffer.byteLength(text) <= 63,
    );
    const value = oneof(
      string({ unit: "grapheme" }),
      constantFrom("'; drop table notes; --", "$1", '"', "\\'", "NULL", "{a,b}", "\\x41"),
    ).filter((text) => !text.includes("\0") && text.isWellFormed());
    await assert(
      asyncProperty(name, name, value, async (table, column, given) => {
        const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
        await ask.sql(`create table public.${quoted(table)} (${quoted(column)} text)`);
        try {
          await ask.query({ table, operation: "insert", data: { [column]: given } });
          await ask.query({ table, operation: "insert", data: { [column]: `${given}!` } });
          for (const filter of [
            { column, op: "eq", value: given },
            { column, op: "in", value: { json: [given] } },
          ]) {
            const found = await ask.query({
              table,
              operation: "select",
              columns: [column],
              filters: [filter],
            });
            expect(found).toMatchObject({ columns: [column], rows: [[given]] });
          }
          const gone = [{ column, op: "nin", value: { json: [`${given}!`] } }];
          await ask.query({ table, operation: "delete", filters: gone });
          expect(await ask.query({ table, operation: "count" })).toBe(1);
        } finally {
          await ask.sql(`drop table public.${quoted(table)}`);
        }
      }),
      { numRuns: 60 },
    );
    expect(await ask.query({ table: "notes", operation: "count" })).toBe(0);
  }, 120_000);

  test("a project reads nothing of another's, and not who else there is", async () => {
    const other = sessionOf("other");
    await other.sql("create table secrets (value text)");
    await other.sql("insert into secrets values ('mine')");
    expect(await ask.code(ask.query({ table: "secrets", operation: "select" }))).toBe(
      "query_failed",
    );
    expect(await ask.cell("select current_database()")).toBe("reactor_default");
    expect(await other.cell("select current_database()")).toBe("reactor_other");
    for (const text of [
      "select * from reactor_other.public.secrets",
      "select datname from pg_database",
      "select rolname from pg_roles",
      "select * from pg_authid",
      "select * from pg_stat_activity",
      "select * from pg_locks",
      "select pg_stat_get_activity(null)",
      "alter database reactor_other rename to mine",
      "drop database reactor_other",
      "create database mine",
    ]) {
      expect([text, await ask.code(ask.sql(text))]).toEqual([text, "query_failed"]);
    }
  }, 60_000);

  test("a project gets no further than its database: no superuser, no program, no file", async () => {
    for (const text of [
      "set role reactor",
      "set session authorization reactor",
      "alter role reactor_default superuser",
      "alter role reactor_default createdb",
      "create role helper",
      "copy notes to program 'id'",
      "copy notes from '/etc/passwd'",
      "select pg_read_file('/etc/passwd')",
      "select pg_ls_dir('/')",
      "select lo_import('/etc/passwd')",
      "create extension dblink",
      "create extension file_fdw",
      "load 'auth_delay'",
      "alter system set listen_addresses = '*'",
      "select pg_reload_conf()",
      "create function f() returns int language c as '/lib/x86_64-linux-gnu/libc.so.6', 'system'",
    ]) {
      expect([text, await ask.code(ask.sql(text))]).toEqual([text, "query_failed"]);
    }
  }, 60_000);

  test("one call is one statement, and none of them ends a transaction or copies", async () => {
    expect(await ask.code(ask.sql("select 1; drop table notes"))).toBe("query_failed");
    for (const text of [
      "BEGIN",
      "/* a /* b */ */ commit",
      "-- x\n rollback",
      "Start Transaction",
    ]) {
      expect(await ask.code(ask.sql(text))).toBe("invalid_request");
    }
    expect(await ask.code(ask.sql("copy notes from stdin"))).toBe("invalid_request");
    expect(await ask.code(ask.sql("copy notes to stdout"))).toBe("invalid_request");
    expect(await ask.query({ table: "notes", operation: "count" })).toBe(0);
  }, 60_000);

  test("more than 5000 rows are refused, and a write that would return them changes nothing", async () => {
    expect((await ask.sql("select generate_series(1, 5000)")).rows).toHaveLength(5000);
    expect(await ask.code(ask.sql("select generate_series(1, 5001)"))).toBe("result_too_large");
    const write = "insert into notes (title) select 'x' from generate_series(1, 5001) returning id";
    expect(await ask.code(ask.sql(write))).toBe("result_too_large");
    expect(await ask.query({ table: "notes", operation: "count" })).toBe(0);
    expect(await ask.code(ask.query({ table: "notes", operation: "select", limit: 5001 }))).toBe(
      "invalid_request",
    );
  }, 60_000);

  test("a result over its bytes is refused, be it many rows or one", async () => {
    expect(await ask.code(ask.sql("select repeat('x', 1000) from generate_series(1, 2000)"))).toBe(
      "result_too_large",
    );
    expect(await ask.code(ask.sql("select repeat('x', 20000000)"))).toBe("result_too_large");
    expect(await ask.cell("select 1")).toBe(1);
  }, 60_000);

  test("update and delete without filters are refused unless every row is meant", async () => {
    await ask.query({
      table: "notes",
      operation: "insert",
      data: [{ title: "a" }, { title: "b" }],
    });
    expect(await ask.code(ask.query({ table: "notes", operation: "delete" }))).toBe(
      "invalid_request",
    );
    expect(
      await ask.code(ask.query({ table: "notes", operation: "update", data: { title: "c" } })),
    ).toBe("invalid_request");
    expect(await ask.query({ table: "notes", operation: "count" })).toBe(2);
    expect(
      await ask.query({ table: "notes", operation: "delete", all: true, columns: ["title"] }),
    ).toMatchObject({ count: 2 });
  }, 60_000);

  test("a query that runs 60 s is cancelled at the timeout, also when it switched that off", async () => {
    expect(await ask.code(ask.sql("select pg_sleep(60)"))).toBe("query_timeout");
    const transaction = await ask.begin();
    await ask.sql("set statement_timeout = 0", [], transaction);
    expect(await ask.code(ask.sql("select pg_sleep(60)", [], transaction))).toBe("query_timeout");
    await ask.call("db.rollback", { transaction });
    expect(await ask.cell("show statement_timeout")).toBe("3s");
  }, 60_000);

  test("a session leaves nothing to the next: settings, temporary tables, locks, open transactions", async () => {
    await ask.sql("set search_path = nowhere");
    await ask.sql("create temporary table mine (a int)");
    await ask.sql("select pg_advisory_lock(7)");
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        expect(await ask.cell("show search_path")).toBe('"$user", public');
        expect(await ask.cell("select to_regclass('mine')")).toBeNull();
        expect(await ask.cell("select pg_try_advisory_xact_lock_shared(7)")).toBe(true);
      }),
    );
  }, 60_000);

  test("a call that is aborted is cancelled at the server, and its connection is replaced", async () => {
    const aborting = new AbortController();
    const asked = ask.call("db.sql", { text: "select pg_sleep(60)", params: [] }, aborting.signal);
    // Once another query was answered, this one has been at the server.
    await ask.cell("select 1");
    aborting.abort();
    expect(await ask.code(asked)).toBe("query_timeout");
    expect(await ask.cell("select 1")).toBe(1);
  }, 60_000);

  test("upsert knows a row by its primary key, or by the columns that are named", async () => {
    const written = await ask.query({
      table: "notes",
      operation: "upsert",
      data: { id: 77, title: "a" },
      columns: ["title"],
    });
    expect(written).toMatchObject({ rows: [["a"]] });
    await ask.query({
      table: "notes",
      operation: "upsert",
      data: [
        { id: 77, title: "b" },
        { id: 78, title: "c" },
      ],
      conflict: ["id"],
    });
    expect((await ask.sql("select id, title from notes order by id")).rows).toEqual([
      [77, "b"],
      [78, "c"],
    ]);
    await ask.sql("create table keyless (a int)");
    expect(
      await ask.code(ask.query({ table: "keyless", operation: "upsert", data: { a: 1 } })),
    ).toBe("invalid_request");
  }, 60_000);

  test("an array is JSON in a JSON column and an array elsewhere", async () => {
    await ask.query({
      table: "notes",
      operation: "insert",
      data: { id: 90, extra: { json: [1, "a"] } },
    });
    expect(await ask.cell("select extra from notes where id = 90")).toEqual([1, "a"]);
    expect(
      await ask.cell("select $1::text[]", [{ json: ['a"b', "\\", "NULL", null, "{,}"] }]),
    ).toEqual(['a"b', "\\", "NULL", null, "{,}"]);
    expect(
      await ask.cell("select $1::int[]", [
        {
          json: [
            [1, 2],
            [3, 4],
          ],
        },
      ]),
    ).toEqual([
      [1, 2],
      [3, 4],
    ]);
  }, 60_000);

  test("no digit is lost: numeric and large bigint are text, infinite floats too", async () => {
    const { rows } = await ask.sql(
      "select 9007199254740991::int8, 9007199254740993::int8, 1.10::numeric, 'NaN'::float8, date '2026-02-03', timestamp '2026-02-03 04:05:06.5', timestamptz '2026-02-03 04:05:06+02', interval '1 day', '\\x00ff'::bytea",
    );
    expect(rows).toEqual([
      [
        9007199254740991,
        "9007199254740993",
        "1.10",
        "NaN",
        "2026-02-03",
        "2026-02-03T04:05:06.5",
        "2026-02-03T02:05:06Z",
        "1 day",
        "AP8=",
      ],
    ]);
  }, 60_000);

  test("a login that changed its own password is given a new one", async () => {
    const third = sessionOf("third");
    await third.sql("alter role reactor_third password 'mine'");
    await third.code(third.sql("select pg_terminate_backend(pg_backend_pid())"));
    const cells = [1, 2, 3, 4].map((n) => third.cell(`select ${n}`));
    expect(await Promise.all(cells)).toEqual([1, 2, 3, 4]);
  }, 60_000);

  test("a draft of the playground has no database, and says so", async () => {
    expect(await ask.code(sessionOf("playground-default").sql("select 1"))).toBe(
      "database_unavailable",
    );
  });
});
