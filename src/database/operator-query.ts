import type { ProjectDatabase } from "./project-database.ts";
import type { QueryResult } from "./query/decode-result.ts";
import { checkSql, runStatement } from "./run-query.ts";

/** A statement that an operator asks, with values as JSON has them. */
export interface OperatorQuery {
  readonly sql: string;
  readonly params: readonly unknown[];
  /** Whether it may change anything. */
  readonly write: boolean;
}

/** Runs one statement as the project's login; unless it may write, in a transaction that cannot. */
export async function runOperatorQuery(
  database: ProjectDatabase,
  { sql, params, write }: OperatorQuery,
  signal?: AbortSignal,
): Promise<QueryResult> {
  const query = checkSql(sql, params.map(parameterOf));
  const { settings } = database;
  const connection = await database.acquire();
  try {
    if (!write) await connection.command("BEGIN READ ONLY");
    const statement = await query.statement(connection, settings);
    return await runStatement(connection, statement, { settings, signal });
  } finally {
    void database.release(connection);
  }
}

function parameterOf(value: unknown): unknown {
  return typeof value === "object" && value !== null ? { json: value } : value;
}
