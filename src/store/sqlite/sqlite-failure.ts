import { ReactorError } from "../../domain/errors.ts";

/** Primary and extended result codes of SQLite that the store tells apart. */
const codes = {
  busy: 5,
  locked: 6,
  corrupt: 11,
  full: 13,
  constraint: 19,
  notADatabase: 26,
  primaryKey: 1555,
  unique: 2067,
  foreignKey: 787,
} as const;

/** The extended result code of an error that node:sqlite threw, or undefined for other errors. */
function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode : undefined;
}

/** Whether another connection holds the lock that was asked for. */
export function isBusy(error: unknown): boolean {
  const primary = (resultCode(error) ?? 0) & 0xff;
  return primary === codes.busy || primary === codes.locked;
}

/** The ReactorError for a failure of SQLite, or undefined when the error is not SQLite's. */
export function sqliteFailure(error: unknown, action: string): ReactorError | undefined {
  const code = resultCode(error);
  if (code === undefined || !(error instanceof Error)) return undefined;
  const primary = code & 0xff;
  if (primary === codes.busy || primary === codes.locked) {
    return new ReactorError(
      "storage_unavailable",
      `Cannot ${action}: the database is locked by another process; try again, and end the program that holds it open if this lasts`,
      { cause: error, retryAfterSecs: 1 },
    );
  }
  if (primary === codes.full) {
    return new ReactorError(
      "storage_full",
      `Cannot ${action}: the disk is full; free space on the volume of the data folder`,
      { cause: error },
    );
  }
  if (primary === codes.corrupt || primary === codes.notADatabase) {
    return new ReactorError("storage_unavailable", `Cannot ${action}: ${repairHint}`, {
      cause: error,
    });
  }
  if (primary === codes.constraint) return constraintFailure(error, code, action);
  return new ReactorError("storage_unavailable", `Cannot ${action}: ${error.message}`, {
    cause: error,
    retryAfterSecs: 1,
  });
}

/** What to do about a database file that is damaged. */
export const repairHint =
  "the database file is damaged; stop the server and restore a backup of the data folder, or save what is readable with `sqlite3 <file> .recover`";

function constraintFailure(error: Error, code: number, action: string): ReactorError {
  // SQLite names the columns of a broken uniqueness rule: "UNIQUE constraint failed: t.a, t.b".
  const columns = /failed: (.+)$/.exec(error.message)?.[1];
  if (code === codes.unique || code === codes.primaryKey) {
    return new ReactorError(
      "conflict",
      `Cannot ${action}: another row has the same ${columns ?? "key"}; each must be unique`,
      { cause: error, details: columns === undefined ? {} : { columns: columns.split(", ") } },
    );
  }
  const state =
    code === codes.foreignKey
      ? "what it belongs to does not exist; it must be inserted first"
      : error.message;
  return new ReactorError("conflict", `Cannot ${action}: ${state}`, { cause: error });
}
