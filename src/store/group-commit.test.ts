import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { DatabaseSync } from "node:sqlite";
import { Kysely, sql } from "kysely";
import { systemClock } from "../base/clock.ts";
import { createGroupCommit } from "./group-commit.ts";
import { createSqliteDialect } from "./sqlite/sqlite-dialect.ts";
import type { Tables } from "./tables.ts";
import { rejectionOf } from "./testing/rejection.ts";
import { Turns } from "./turns.ts";

/** A database that counts its commits, and refuses them when told to. */
class CountingDatabase extends DatabaseSync {
  commits = 0;
  refuses = false;

  override exec(text: string): void {
    if (text === "commit") {
      if (this.refuses) throw new Error("the disk refuses");
      this.commits += 1;
    }
    super.exec(text);
  }
}

describe("writes that share a commit", () => {
  let database: CountingDatabase;
  let write: ReturnType<typeof createGroupCommit>;
  const insert = (value: string) => (trx: Kysely<Tables>) =>
    sql`insert into t values (${value})`.execute(trx);
  const stored = (): string[] =>
    database
      .prepare("select a from t order by rowid")
      .all()
      .map((row) => String(row["a"]));

  beforeEach(() => {
    database = new CountingDatabase(":memory:");
    database.exec("create table t (a text)");
    const clock = systemClock;
    const dialect = createSqliteDialect({ database, begin: ["begin"], clock, busyMsMax: 0 });
    const turns = new Turns({ name: "write", clock, slots: 1, waitingMax: 500, waitMsMax: 5_000 });
    write = createGroupCommit({ db: new Kysely<Tables>({ dialect }), turns, clock });
  });

  afterEach(() => database.close());

  test("those that wait at the same time share few, and one alone has its own at once", async () => {
    await write(insert("alone"));
    expect(database.commits).toBe(1);
    const names = Array.from({ length: 100 }, (_, i) => `w${i}`);
    await Promise.all(names.map((name) => write(insert(name))));
    expect(stored()).toEqual(["alone", ...names]);
    expect(database.commits).toBeLessThan(50);
  });

  test("one that fails takes nothing of the others with it, and leaves nothing of its own", async () => {
    const failing = write(async (trx) => {
      await insert("half")(trx);
      throw new Error("planned");
    });
    const ends = await Promise.allSettled([write(insert("a")), failing, write(insert("b"))]);
    expect(ends.map((end) => end.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(String(await rejectionOf(failing))).toContain("planned");
    expect(stored()).toEqual(["a", "b"]);
  });

  test("a commit that fails fails every one of them, and the next writes go on", async () => {
    database.refuses = true;
    const writes = ["a", "b", "c"].map((name) => write(insert(name)));
    for (const end of await Promise.allSettled(writes)) {
      expect(end).toMatchObject({ status: "rejected", reason: { message: "the disk refuses" } });
    }
    database.refuses = false;
    await write(insert("after"));
    expect(stored()).toEqual(["after"]);
  });

  test("one whose transaction the database undid fails all before it with its own reason", async () => {
    const undone = async (): Promise<never> => {
      // As SQLite does by itself when the disk is full.
      database.exec("rollback");
      throw new Error("the disk is full");
    };
    const writes = [write(insert("a")), write(undone), write(insert("b"))];
    const ends = await Promise.allSettled(writes);
    expect(ends.map((end) => end.status)).toEqual(["rejected", "rejected", "fulfilled"]);
    expect(ends[0]).toMatchObject({ reason: { message: "the disk is full" } });
    expect(stored()).toEqual(["b"]);
  });

  test("a queue of them lets the event loop go on between one and the next", async () => {
    let ticks = 0;
    const tick = (): void => {
      ticks += 1;
      timer = setImmediate(tick);
    };
    let timer = setImmediate(tick);
    await Promise.all(Array.from({ length: 100 }, (_, i) => write(insert(`w${i}`))));
    clearImmediate(timer);
    expect(ticks).toBeGreaterThan(50);
  });
});
