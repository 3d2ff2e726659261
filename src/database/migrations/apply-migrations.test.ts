import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { runOperatorQuery } from "../operator-query.ts";
import type { ProjectDatabase } from "../project-database.ts";
import {
  openTestDatabases,
  postgresFolder,
  type TestDatabases,
} from "../testing/open-test-databases.ts";
import { applyMigrations, listMigrations } from "./apply-migrations.ts";

const messageOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "it did not fail",
    (error: Error) => error.message,
  );

describe.skipIf(postgresFolder === undefined)("migrations (need PostgreSQL)", () => {
  let opened: TestDatabases;
  const inProject = (id: string): ProjectDatabase => opened.databases.of(id);
  const read = async (id: string, sql: string): Promise<unknown> =>
    (await runOperatorQuery(inProject(id), { sql, params: [], write: false })).rows;

  beforeAll(async () => {
    opened = openTestDatabases();
    await read("default", "select 1");
  }, 120_000);
  afterAll(async () => opened?.close(), 60_000);

  const files = [
    { name: "1_todos.sql", sql: "create table todos (id int); insert into todos values (1);" },
    { name: "2_more.sql", sql: "insert into todos values (2)" },
  ];

  test("each file is applied once, in order, by as many runs at once as there are", async () => {
    const runs = await Promise.all(
      Array.from({ length: 3 }, () => applyMigrations(inProject("default"), files)),
    );
    expect(runs.flatMap(({ applied }) => applied)).toEqual(["1_todos.sql", "2_more.sql"]);
    expect(await read("default", "select id from todos order by id")).toEqual([[1], [2]]);
    expect((await listMigrations(inProject("default"))).map(({ name }) => name)).toEqual([
      "1_todos.sql",
      "2_more.sql",
    ]);
  }, 60_000);

  test("a file that fails leaves nothing of itself, keeps those before it, and names its line", async () => {
    const broken = [
      { name: "1.sql", sql: "create table a (id int)" },
      { name: "2.sql", sql: "create table b (id int);\n\nselect nonsense;" },
    ];
    const message = await messageOf(applyMigrations(inProject("broken"), broken));
    expect(message).toContain('Cannot apply 2.sql, line 3: column "nonsense" does not exist');
    expect(message).toContain("applied before it: 1.sql");
    expect(await read("broken", "select to_regclass('a')::text, to_regclass('b')::text")).toEqual([
      ["a", null],
    ]);
    const mended = [broken[0] ?? files[0], { name: "2.sql", sql: "create table b (id int)" }];
    expect(
      await applyMigrations(
        inProject("broken"),
        mended.flatMap((file) => file ?? []),
      ),
    ).toEqual({
      applied: ["2.sql"],
      present: 1,
    });
  }, 60_000);

  test("an applied file that changed is refused before anything is done", async () => {
    await applyMigrations(inProject("changed"), files);
    const changed = [
      { name: "1_todos.sql", sql: "drop table todos" },
      ...files.slice(1),
      { name: "3.sql", sql: "select 1" },
    ];
    expect(await messageOf(applyMigrations(inProject("changed"), changed))).toContain(
      "1_todos.sql was applied on",
    );
    expect((await listMigrations(inProject("changed"))).length).toBe(2);
  }, 60_000);

  test("a file that ends its transaction by a procedure is refused, with nothing recorded", async () => {
    const sneaky = "create procedure p() language plpgsql as $$ begin commit; end $$; call p()";
    expect(
      await messageOf(applyMigrations(inProject("sneaky"), [{ name: "1.sql", sql: sneaky }])),
    ).toContain("Cannot apply 1.sql");
    expect(await listMigrations(inProject("sneaky"))).toEqual([]);
  }, 60_000);

  test("a query that may not write writes nothing, whatever it tries", async () => {
    const database = inProject("default");
    for (const sql of [
      "insert into todos values (3)",
      "with gone as (delete from todos returning 1) select * from gone",
      "create table x (a int)",
      "select setval('missing', 1)",
      "commit",
      "set transaction read write",
    ]) {
      await messageOf(runOperatorQuery(database, { sql, params: [], write: false }));
    }
    expect(await read("default", "select count(*) from todos")).toEqual([[2]]);
    const written = await runOperatorQuery(database, {
      sql: "delete from todos where id = $1",
      params: [2],
      write: true,
    });
    expect(written.count).toBe(1);
    expect(await read("default", "select count(*) from todos")).toEqual([[1]]);
  }, 60_000);
});
