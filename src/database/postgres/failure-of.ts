import { DatabaseError } from "../database-error.ts";
import type { PgMessageError } from "./pg-client.ts";

const textCharsMax = 1000;

/** SQLSTATE of a statement that was cancelled: by its timeout, or by a request. */
const cancelled = "57014";
/** Classes of SQLSTATE that are about the connection or the server, not about the statement. */
const unavailable = /^(08|53|57P|58|XX)/;

/** What the server's message means to the function. */
export function failureOf(error: PgMessageError, timeoutMs: number): DatabaseError {
  const { code: sqlstate, severity } = error;
  const options = { cause: error };
  if (severity === undefined || sqlstate === undefined) {
    const message = `Cannot reach the database: ${error.message}`;
    return new DatabaseError("database_unavailable", message, {}, options);
  }
  const facts = {
    sqlstate,
    detail: error.detail?.slice(0, textCharsMax),
    hint: error.hint?.slice(0, textCharsMax),
    table: error.table,
    column: error.column,
    constraint: error.constraint,
    position: error.position === undefined ? undefined : Number(error.position),
  };
  if (sqlstate === cancelled) {
    const message = `The query was cancelled: it may run for ${timeoutMs} ms (database.statement_timeout_ms)`;
    return new DatabaseError("query_timeout", message, facts, options);
  }
  // A transaction that waited too long for its next statement.
  if (sqlstate === "25P03") {
    const message = "The transaction was rolled back: no statement came in time";
    return new DatabaseError("transaction_ended", message, facts, options);
  }
  const code = unavailable.test(sqlstate) ? "database_unavailable" : "query_failed";
  const hint = extensionHint(sqlstate, error.message);
  return new DatabaseError(code, `${error.message.slice(0, textCharsMax)}${hint}`, facts, options);
}

/** An extension that the server does not have cannot be had by trying again. */
function extensionHint(sqlstate: string, message: string): string {
  if (sqlstate !== "0A000" && sqlstate !== "58P01") return "";
  if (!/extension/.test(message)) return "";
  return "; this PostgreSQL does not have it: use one that does, by the setting database.url (DATABASE_URL)";
}
