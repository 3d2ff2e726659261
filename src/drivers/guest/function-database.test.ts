import { afterAll, beforeAll, expect, test } from "bun:test";
import { GuestHarness } from "./guest.harness.ts";
import type { CallMessage, ReplyMessage } from "./messages.ts";

const code = `
const cases = {
  values: (db) => db.query({
    table: "t", operation: "insert",
    data: { a: 1n, b: new Date(0), c: new Uint8Array([1, 2]), d: [1, { x: 2n }], e: { y: 1 }, f: NaN, g: undefined, h: null },
  }),
  filters: (db) => db.query({ table: "t", operation: "count", filters: [{ column: "a", op: "in", value: [1, 2] }] }),
  rows: (db) => db.sql("select"),
  named: async function readsRows(db) { const rows = await db.sql("select"); return rows; },
  unfit: (db) => db.query({ table: "t", operation: "insert", data: { a: () => 1 } }),
  missing: (db) => db.sql("select $1", [undefined]),
  commit: (db) => db.transaction(async (tx) => { await tx.sql("one"); return "done"; }),
  rollback: (db) => db.transaction(async (tx) => { await tx.sql("one"); throw new Error("changed my mind"); }),
  nested: (db) => db.transaction((tx) => tx.transaction(() => 1)),
};
export default { async fetch(request, { db }) {
  try {
    const value = await cases[request.headers.get("x-case")](db);
    const shown = Array.isArray(value) ? value.map((row) => ({ ...row, b: row.b && [...row.b], own: Object.keys(row) })) : value;
    return Response.json({ value: shown });
  } catch (error) {
    return Response.json({ name: error.name, message: error.message, code: error.code, sqlstate: error.sqlstate, stack: error.stack.split("\\n") });
  }
} };
`;

const noRows = { columns: [], bytes: [], rows: [], count: 0 };

let calls: CallMessage[] = [];
let reply: ReplyMessage = { result: noRows };
let guest: GuestHarness;
beforeAll(async () => {
  guest = await GuestHarness.start(code, {
    onCall(message) {
      calls.push(message);
      return message.method === "db.begin" ? { result: { transaction: "tx_1" } } : reply;
    },
  });
});
afterAll(() => guest.stop());

async function run(name: string, answer: ReplyMessage = { result: noRows }): Promise<unknown> {
  calls = [];
  reply = answer;
  return JSON.parse(await guest.text({ headers: ["x-case", name] }));
}

test("values travel as what they are, and undefined ones not at all", async () => {
  await run("values");
  expect(calls).toEqual([
    {
      method: "db.query",
      invocation: expect.any(String),
      request: expect.any(String),
      params: {
        query: {
          table: "t",
          operation: "insert",
          data: {
            a: "1",
            b: "1970-01-01T00:00:00.000Z",
            c: { bytes: "AQI=" },
            d: { json: [1, { x: "2" }] },
            e: { json: { y: 1 } },
            f: "NaN",
            h: null,
          },
        },
      },
    },
  ]);
});

test("a count is a number, and filters keep their shape", async () => {
  expect(await run("filters", { result: 7 })).toEqual({ value: 7 });
  expect(calls[0]?.params).toMatchObject({
    query: { filters: [{ column: "a", op: "in", value: { json: [1, 2] } }] },
  });
});

test("rows are objects with bytes as Uint8Array, whatever their columns are called", async () => {
  const result = { columns: ["a", "b", "__proto__"], bytes: [1], rows: [[1, "AQI=", 3]], count: 1 };
  expect(await run("rows", { result })).toEqual({
    value: [{ a: 1, b: [1, 2], ["__proto__"]: 3, own: ["a", "b", "__proto__"] }],
  });
});

test("a failure is a DatabaseError with the platform's code and PostgreSQL's, and the line that asked", async () => {
  const error = { code: "query_failed", message: "it is taken", sqlstate: "23505" };
  const thrown = (await run("named", { error })) as { readonly stack: readonly string[] };
  expect(thrown).toMatchObject({ name: "DatabaseError", ...error });
  expect(thrown.stack[0]).toBe("DatabaseError: it is taken");
  expect(thrown.stack.some((line) => /at .*readsRows/.test(line))).toBe(true);
});

test("a value that no column can hold is refused before anything is asked", async () => {
  expect(await run("unfit")).toMatchObject({
    message: "data.a is a function, which no column can hold",
  });
  expect(await run("missing")).toMatchObject({ message: "params[0] is undefined: use null" });
  expect(calls).toEqual([]);
});

test("a transaction is committed when its work resolves, and rolled back when it rejects", async () => {
  expect(await run("commit")).toEqual({ value: "done" });
  expect(calls.map(({ method }) => method)).toEqual(["db.begin", "db.sql", "db.commit"]);
  expect(calls[1]?.params).toMatchObject({ transaction: "tx_1" });
  expect(await run("rollback")).toMatchObject({ message: "changed my mind" });
  expect(calls.map(({ method }) => method)).toEqual(["db.begin", "db.sql", "db.rollback"]);
});

test("a transaction in a transaction is refused", async () => {
  expect(await run("nested")).toMatchObject({
    message: "Cannot begin a transaction in a transaction: they do not nest",
  });
  expect(calls.map(({ method }) => method)).toEqual(["db.begin", "db.rollback"]);
});
