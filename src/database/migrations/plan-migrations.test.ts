import { expect, test } from "bun:test";
import { sha256Hex } from "../../base/digest.ts";
import { DatabaseError } from "../database-error.ts";
import { type AppliedMigration, type MigrationFile, planMigrations } from "./plan-migrations.ts";
import { transactionControl } from "./transaction-control.ts";

const file = (name: string, sql = `-- ${name}`): MigrationFile => ({ name, sql });
const applied = (name: string, sql = `-- ${name}`): AppliedMigration => ({
  name,
  checksum: sha256Hex(sql),
  appliedAt: "2026-02-03T04:05:06Z",
});
const names = (files: readonly MigrationFile[]): readonly string[] => files.map(({ name }) => name);

function refusal(
  files: readonly MigrationFile[],
  before: readonly AppliedMigration[] = [],
): string {
  try {
    planMigrations(files, before);
  } catch (error) {
    if (error instanceof DatabaseError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "planned";
}

test("files are applied in the order of their numbers, then of their names, and each once", () => {
  const files = [
    file("10_c.sql"),
    file("2_b.sql"),
    file("2_a.sql"),
    file("tail.sql"),
    file("001.sql"),
  ];
  expect(names(planMigrations(files, []))).toEqual([
    "001.sql",
    "2_a.sql",
    "2_b.sql",
    "10_c.sql",
    "tail.sql",
  ]);
  expect(names(planMigrations(files, [applied("001.sql"), applied("2_a.sql")]))).toEqual([
    "2_b.sql",
    "10_c.sql",
    "tail.sql",
  ]);
});

test("a file that was applied and has changed is refused, and so is one that comes too late", () => {
  expect(refusal([file("1.sql", "other")], [applied("1.sql")])).toContain(
    "migration_conflict: Cannot migrate: 1.sql was applied on 2026-02-03T04:05:06Z and has changed",
  );
  expect(refusal([file("1.sql"), file("2.sql")], [applied("2.sql")])).toContain(
    "migration_conflict: Cannot apply 1.sql: it comes before 2.sql",
  );
});

test("names that are no plain file names, files given twice and NUL characters are refused", () => {
  for (const name of ["../1.sql", "1.txt", "", ".sql", "a/b.sql", `${"x".repeat(200)}.sql`]) {
    expect(refusal([file(name)])).toContain("its name must match");
  }
  expect(refusal([file("1.sql"), file("1.sql")])).toContain("given twice");
  expect(refusal([file("1.sql", "select '\0'")])).toContain("NUL");
});

test("a statement that begins or ends a transaction is found wherever it stands, and nothing else is", () => {
  const found: readonly (readonly [sql: string, expected: string | undefined])[] = [
    ["create table a (b int);\ncommit;", "COMMIT 2"],
    ["/* x /* y */ */ BEGIN; select 1", "BEGIN 1"],
    ["select 1; -- a\n\n  rollback to savepoint x", "ROLLBACK 3"],
    ["select 'commit; ', \"commit\", $$ ; commit $$, $a$ ; commit; $b$ $a$", undefined],
    ["select E'it\\'s; commit;'; select 'it''s; commit;'", undefined],
    ["-- commit;\nselect 1 /* ; commit; */", undefined],
    [
      "create function f() returns int begin atomic select 1; select case when true then 1 end; end; select 2",
      undefined,
    ],
    ["create function f() returns int begin atomic select 1; end; commit", "COMMIT 1"],
    ["do $$ begin perform 1; end $$; end", "END 1"],
    ['create table commit_log (begin_at int, "end" int)', undefined],
    ["", undefined],
  ];
  for (const [sql, expected] of found) {
    const control = transactionControl(sql);
    expect([sql, control && `${control.word} ${control.line}`]).toEqual([sql, expected]);
  }
});
