/** What went wrong with a query; functions see it as the `code` of the error that `ctx.db` throws. */
export type DatabaseErrorCode =
  /** The call itself is malformed; `field` names the part. */
  | "invalid_request"
  /** PostgreSQL refused or failed the statement; `sqlstate` says how. */
  | "query_failed"
  /** It ran longer than it may and was cancelled. */
  | "query_timeout"
  /** Its result has more rows or bytes than are passed on; nothing of it was kept. */
  | "result_too_large"
  /** The transaction it belongs to is over. */
  | "transaction_ended"
  /** Every connection is taken, or too much is under way. */
  | "too_many_requests"
  /** A migration that was applied has changed, or a new one belongs before one that was. */
  | "migration_conflict"
  /** There is no database to ask, or it went away. */
  | "database_unavailable";

/** What is known beside the message; all of it may be shown to the function. */
export interface DatabaseErrorFacts {
  /** Part of the call that is malformed, such as `filters[0].op`. */
  readonly field?: string | undefined;
  readonly sqlstate?: string | undefined;
  readonly detail?: string | undefined;
  readonly hint?: string | undefined;
  readonly table?: string | undefined;
  readonly column?: string | undefined;
  readonly constraint?: string | undefined;
  /** Where in the statement's text, in characters from 1. */
  readonly position?: number | undefined;
}

/** A failure of the function database, with a code that code can compare. */
export class DatabaseError extends Error {
  readonly code: DatabaseErrorCode;
  readonly facts: DatabaseErrorFacts;

  constructor(
    code: DatabaseErrorCode,
    message: string,
    facts: DatabaseErrorFacts = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = "DatabaseError";
    this.code = code;
    this.facts = facts;
  }
}

/** A malformed call; `field` names the part that is wrong. */
export function malformed(field: string, message: string): DatabaseError {
  return new DatabaseError("invalid_request", message, { field });
}
