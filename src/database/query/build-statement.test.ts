import { expect, test } from "bun:test";
import { assert, boolean, integer, oneof, property, string } from "fast-check";
import { DatabaseError } from "../database-error.ts";
import { buildStatement, quoteName } from "./build-statement.ts";
import { parseQuery } from "./parse-query.ts";

function built(input: object, conflict?: readonly string[]): { text: string; values: unknown } {
  return buildStatement(parseQuery(input), conflict);
}

test("every operation becomes one statement with its values apart", () => {
  const filters = [{ column: "done", op: "eq", value: false }];
  expect(built({ table: "todos", operation: "select", filters })).toEqual({
    text: 'SELECT * FROM "public"."todos" WHERE "done" = $1 LIMIT 100',
    values: [false],
  });
  expect(
    built({
      table: "todos",
      operation: "select",
      columns: ["id", "title"],
      filters: [
        { column: "a", op: "ilike", value: "%x%" },
        { column: "b", op: "in", value: { json: [1, 2] } },
        { column: "c", op: "nin", value: { json: ["x"] } },
        { column: "d", op: "is_null" },
        { column: "e", op: "not_null" },
      ],
      order_by: ["id", { column: "title", direction: "desc" }],
      limit: 5,
      offset: 10,
    }),
  ).toEqual({
    text: 'SELECT "id", "title" FROM "public"."todos" WHERE "a" ILIKE $1 AND "b" = ANY($2) AND "c" <> ALL($3) AND "d" IS NULL AND "e" IS NOT NULL ORDER BY "id" ASC, "title" DESC LIMIT 5 OFFSET 10',
    values: ["%x%", { array: [1, 2] }, { array: ["x"] }],
  });
  expect(built({ table: "t", operation: "insert", data: [{ a: 1 }, { b: null }] })).toEqual({
    text: 'INSERT INTO "public"."t" ("a", "b") VALUES ($1, DEFAULT), (DEFAULT, $2) RETURNING *',
    values: [1, null],
  });
  expect(built({ table: "t", operation: "insert", data: {} }).text).toBe(
    'INSERT INTO "public"."t" DEFAULT VALUES RETURNING *',
  );
  expect(built({ table: "t", operation: "update", data: { a: 1 }, filters })).toEqual({
    text: 'UPDATE "public"."t" SET "a" = $1 WHERE "done" = $2 RETURNING *',
    values: [1, false],
  });
  expect(built({ table: "t", operation: "delete", all: true, columns: ["id"] }).text).toBe(
    'DELETE FROM "public"."t" RETURNING "id"',
  );
  expect(built({ table: "t", operation: "upsert", data: { id: 1, a: 2 } }, ["id"]).text).toBe(
    'INSERT INTO "public"."t" ("id", "a") VALUES ($1, $2) ON CONFLICT ("id") DO UPDATE SET "a" = EXCLUDED."a" RETURNING *',
  );
  expect(built({ table: "t", operation: "count", filters }).text).toBe(
    'SELECT count(*) AS "count" FROM "public"."t" WHERE "done" = $1',
  );
});

const malformed: readonly (readonly [field: string, input: unknown])[] = [
  ["query", null],
  ["query", []],
  ["operation", { table: "t", operation: "drop" }],
  ["table", { table: "", operation: "count" }],
  ["table", { table: "x".repeat(64), operation: "count" }],
  ["table", { table: "a\0b", operation: "count" }],
  ["filter", { table: "t", operation: "count", filter: [] }],
  ["data", { table: "t", operation: "select", data: {} }],
  ["data", { table: "t", operation: "update", data: {}, all: true }],
  ["data", { table: "t", operation: "insert" }],
  ["data", { table: "t", operation: "insert", data: [] }],
  ["data.a", { table: "t", operation: "insert", data: { a: [1] } }],
  ["data.a", { table: "t", operation: "insert", data: { a: { array: [1] } } }],
  ["data.a", { table: "t", operation: "insert", data: { a: "x\0" } }],
  ["filters", { table: "t", operation: "update", data: { a: 1 } }],
  ["filters", { table: "t", operation: "delete", filters: [] }],
  ["all", { table: "t", operation: "delete", all: "yes" }],
  [
    "all",
    { table: "t", operation: "delete", all: true, filters: [{ column: "a", op: "is_null" }] },
  ],
  ["filters[0].op", { table: "t", operation: "count", filters: [{ column: "a", op: "or" }] }],
  [
    "filters[0].value",
    { table: "t", operation: "count", filters: [{ column: "a", op: "eq", value: null }] },
  ],
  ["filters[0].value", { table: "t", operation: "count", filters: [{ column: "a", op: "eq" }] }],
  [
    "filters[0].value",
    { table: "t", operation: "count", filters: [{ column: "a", op: "like", value: 1 }] },
  ],
  [
    "filters[0].value[0]",
    { table: "t", operation: "count", filters: [{ column: "a", op: "in", value: [null] }] },
  ],
  [
    "filters[0]",
    { table: "t", operation: "count", filters: [{ column: "a", op: "eq", value: 1, or: 2 }] },
  ],
  ["limit", { table: "t", operation: "select", limit: 5001 }],
  ["limit", { table: "t", operation: "select", limit: 1.5 }],
  ["offset", { table: "t", operation: "select", offset: -1 }],
  [
    "order_by[0].direction",
    { table: "t", operation: "select", order_by: [{ column: "a", direction: "up" }] },
  ],
  ["columns", { table: "t", operation: "select", columns: ["a", "a"] }],
  ["columns[0]", { table: "t", operation: "select", columns: [1] }],
];

test("every malformed query is refused, and the error names the field", () => {
  for (const [field, input] of malformed) {
    let thrown: unknown;
    try {
      parseQuery(input);
    } catch (error) {
      thrown = error;
    }
    if (!(thrown instanceof DatabaseError)) throw new Error(`accepted: ${JSON.stringify(input)}`);
    expect([thrown.code, thrown.facts.field]).toEqual(["invalid_request", field]);
  }
});

const name = string({ minLength: 1, maxLength: 40, unit: "grapheme" }).filter(
  (text) => !text.includes("\0") && text.isWellFormed() && Buffer.byteLength(text) <= 63,
);
const value = oneof(
  string().filter((text) => !text.includes("\0")),
  integer(),
  boolean(),
);

/** What of a statement is outside of quoted identifiers; throws when quotes do not match. */
function outsideQuotes(text: string): string {
  const outside = text.replace(/"(?:[^"]|"")*"/g, "#");
  if (outside.includes('"')) throw new Error(`an unmatched quote: ${text}`);
  return outside;
}

test("whatever names and values say, the statement around them is always the same", () => {
  // The one column "*" is every column.
  const columnName = name.filter((text) => text !== "*");
  assert(
    property(name, columnName, value, (table, column, given) => {
      const filters = [{ column, op: "eq", value: given }];
      const { text, values } = built({ table, operation: "select", columns: [column], filters });
      expect(outsideQuotes(text)).toBe("SELECT # FROM #.# WHERE # = $1 LIMIT 100");
      expect(text).toContain(quoteName(table));
      expect(values).toEqual([given]);
      const written = built({ table, operation: "update", data: { [column]: given }, filters });
      expect(outsideQuotes(written.text)).toBe("UPDATE #.# SET # = $1 WHERE # = $2 RETURNING *");
    }),
    { numRuns: 500 },
  );
});
