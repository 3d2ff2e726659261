import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { DatabaseSession } from "./database-session.ts";
import { Ask } from "./testing/ask.ts";
import {
  openTestDatabases,
  postgresFolder,
  type TestDatabases,
} from "./testing/open-test-databases.ts";

describe.skipIf(postgresFolder === undefined)("transactions (need PostgreSQL)", () => {
  let opened: TestDatabases;
  let session: DatabaseSession;
  let ask: Ask;

  const open = (): DatabaseSession =>
    opened.databases.open({ projectId: "default", log: () => {} });

  beforeAll(async () => {
    opened = openTestDatabases({ settings: { poolSize: 2, transactionTimeoutMs: 1500 } });
    session = open();
    ask = new Ask(session);
    await ask.sql("create table accounts (id int primary key, amount int check (amount >= 0))");
    await ask.sql("insert into accounts values (1, 5), (2, 5)");
  }, 120_000);
  afterAll(async () => opened?.close(), 60_000);

  const amounts = async (): Promise<unknown> =>
    (await ask.sql("select amount from accounts order by id")).rows.flat();

  test("what was done in it is seen by nobody until it is committed, and then whole", async () => {
    const transaction = await ask.begin();
    await ask.sql("update accounts set amount = amount - 5 where id = 1", [], transaction);
    await ask.sql("update accounts set amount = amount + 5 where id = 2", [], transaction);
    expect(await amounts()).toEqual([5, 5]);
    await ask.call("db.commit", { transaction });
    expect(await amounts()).toEqual([0, 10]);
    expect(await ask.code(ask.call("db.commit", { transaction }))).toBe("transaction_ended");
  }, 60_000);

  test("after a statement that failed a commit is refused, and nothing was changed", async () => {
    const before = await amounts();
    const transaction = await ask.begin();
    await ask.sql("update accounts set amount = 7 where id = 1", [], transaction);
    expect(
      await ask.code(ask.sql("update accounts set amount = -1 where id = 2", [], transaction)),
    ).toBe("query_failed");
    expect(await ask.code(ask.call("db.commit", { transaction }))).toBe("transaction_ended");
    expect(await amounts()).toEqual(before);
  }, 60_000);

  test("an invocation that ends takes its transaction with it, the running statement too", async () => {
    const before = await amounts();
    const transaction = await ask.begin();
    await ask.sql("update accounts set amount = 99", [], transaction);
    const sleeping = ask.sql("select pg_sleep(60)", [], transaction);
    // Once another query was answered, this one has been at the server.
    await ask.sql("select 1");
    const endedAtMs = performance.now();
    session.ended("inv_1");
    expect(await ask.code(sleeping)).toBe("query_timeout");
    // The statement's own timeout is 20 s.
    expect(performance.now() - endedAtMs).toBeLessThan(15_000);
    // Blocks until the rows are free.
    await ask.sql("update accounts set amount = amount");
    expect(await amounts()).toEqual(before);
  }, 60_000);

  test("an instance that is gone leaves no transaction open", async () => {
    const before = await amounts();
    const dying = open();
    const other = new Ask(dying);
    const transaction = await other.begin();
    await other.sql("update accounts set amount = 99", [], transaction);
    dying.close();
    await ask.sql("update accounts set amount = amount");
    expect(await amounts()).toEqual(before);
  }, 60_000);

  test("one that is open too long is rolled back, and says so", async () => {
    const before = await amounts();
    const transaction = await ask.begin();
    await ask.sql("update accounts set amount = 99", [], transaction);
    await ask.sql("update accounts set amount = amount");
    expect(await ask.code(ask.sql("select 1", [], transaction))).toBe("transaction_ended");
    expect(await amounts()).toEqual(before);
  }, 60_000);

  test("they do not nest, and another invocation cannot use one", async () => {
    const transaction = await ask.begin();
    expect(await ask.code(ask.begin())).toBe("invalid_request");
    const foreign = session.call(
      {
        method: "db.sql",
        params: { text: "select 1", transaction },
        owner: { invocationId: "inv_2", requestId: "r" },
      },
      new AbortController().signal,
    );
    expect(await ask.code(foreign)).toBe("transaction_ended");
    await ask.call("db.rollback", { transaction });
  }, 60_000);

  test("statements of one that are asked at once run one after another", async () => {
    const transaction = await ask.begin();
    const results = await Promise.all(
      [1, 2, 3].map((n) => ask.sql("select $1::int as n, pg_sleep(0.01)", [n], transaction)),
    );
    expect(results.map(({ rows }) => rows[0]?.[0])).toEqual([1, 2, 3]);
    await ask.call("db.rollback", { transaction });
  }, 60_000);

  test("a pool that is taken makes queries wait, not fail", async () => {
    const other = new Ask(open());
    const held = [await ask.begin(), await other.begin()];
    const waiting = new Ask(open()).cell("select 1");
    await ask.call("db.rollback", { transaction: held[0] });
    expect(await waiting).toBe(1);
    await other.call("db.rollback", { transaction: held[1] });
  }, 60_000);
});
