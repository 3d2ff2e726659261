import { DatabaseError, malformed } from "./database-error.ts";
import type { DatabaseSettings } from "./database-settings.ts";
import type { DatabaseConnection } from "./postgres/database-connection.ts";
import { buildStatement, type Statement } from "./query/build-statement.ts";
import { decodeResult, type QueryResult } from "./query/decode-result.ts";
import { parseParameter } from "./query/parameter.ts";
import { parseQuery } from "./query/parse-query.ts";
import { rowsMax, type StructuredQuery } from "./query/structured-query.ts";
import { transactionWord } from "./query/transaction-word.ts";

const parametersMax = 65_535;

/** A query that is checked and may be run. */
export interface CheckedQuery {
  /** What of the result the function is given. */
  readonly gives: "rows" | "count";
  /** The statement; for `upsert` it may take a look at the table first. */
  statement(connection: DatabaseConnection, settings: DatabaseSettings): Promise<Statement>;
}

/** Checks `ctx.db.query(…)`. */
export function checkQuery(input: unknown): CheckedQuery {
  const query = parseQuery(input);
  return {
    gives: query.operation === "count" ? "count" : "rows",
    async statement(connection, settings) {
      if (query.operation !== "upsert" || query.conflict !== undefined) {
        return buildStatement(query, query.conflict);
      }
      return buildStatement(query, await primaryKey(connection, query, settings));
    },
  };
}

/** Checks `ctx.db.sql(…)`. */
export function checkSql(text: unknown, params: unknown): CheckedQuery {
  if (typeof text !== "string" || text.trim() === "") {
    throw malformed("text", "text must be a statement of SQL");
  }
  if (text.includes("\0")) throw malformed("text", "text contains a NUL character");
  const word = transactionWord(text);
  if (word !== undefined) {
    throw malformed("text", `${word} is no statement for ctx.db.sql: use ctx.db.transaction`);
  }
  const list = params ?? [];
  if (!Array.isArray(list)) throw malformed("params", "params must be an array");
  if (list.length > parametersMax) {
    throw malformed(
      "params",
      `params has ${list.length} values, must have at most ${parametersMax}`,
    );
  }
  const values = list.map((value: unknown, at) => parseParameter(value, `params[${at}]`));
  return { gives: "rows", statement: () => Promise.resolve({ text, values }) };
}

/** Runs it and turns what came into values. */
export async function runStatement(
  connection: DatabaseConnection,
  statement: Statement,
  options: { readonly settings: DatabaseSettings; readonly signal?: AbortSignal | undefined },
): Promise<QueryResult> {
  const limits = { rowsMax, bytesMax: options.settings.resultBytesMax };
  return decodeResult(await connection.run(statement, { limits, signal: options.signal }));
}

async function primaryKey(
  connection: DatabaseConnection,
  { table }: StructuredQuery,
  settings: DatabaseSettings,
): Promise<readonly string[]> {
  const text = `SELECT a.attname::text FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public'
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey)
    WHERE c.relname = $1 AND i.indisprimary`;
  const { rows } = await runStatement(connection, { text, values: [table] }, { settings });
  if (rows.length > 0) return rows.map(([name]) => String(name));
  throw new DatabaseError(
    "invalid_request",
    `Cannot upsert into ${JSON.stringify(table)}: it is no table with a primary key; name the columns that tell an existing row by conflict`,
    { field: "conflict" },
  );
}
