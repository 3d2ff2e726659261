import { ReactorError } from "../../domain/errors.ts";

/** Primary and extended result codes of SQLite that the store tells apart. */
const codes = {
  busy: 5,
  locked: 6,
  io: 10,
  corrupt: 11,
  full: 13,
  constraint: 19,
  notADatabase: 26,
  primaryKey: 1555,
  unique: 2067,
  foreignKey: 787,
  syncFailed: 10 | (4 << 8),
  folderSyncFailed: 10 | (5 << 8),
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

/** Whether the disk could not be told to keep what was written, so that nobody knows what it kept. */
export function isSyncFailure(error: unknown): boolean {
  const code = resultCode(error);
  return code === codes.syncFailed || code === codes.folderSyncFailed;
}

/** Whether SQLite found the file itself to be damaged. */
export function isDamage(error: unknown): boolean {
  const primary = (resultCode(error) ?? 0) & 0xff;
  return primary === codes.corrupt || primary === codes.notADatabase;
}

/**
 * The ReactorError for a failure of SQLite on the database at `path`, or undefined when the error is
 * not SQLite's.
 */
export function sqliteFailure(
  error: unknown,
  action: string,
  path: string,
): ReactorError | undefined {
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
  if (isDamage(error)) {
    const state = `the database is damaged (${error.message}); ${repairHint(path)}`;
    return new ReactorError("storage_unavailable", `Cannot ${action}: ${state}`, { cause: error });
  }
  if (primary === codes.io) {
    return new ReactorError(
      "storage_unavailable",
      `Cannot ${action}: the disk failed (${error.message}); look at the kernel's log and the volume of ${path}`,
      { cause: error, retryAfterSecs: 1 },
    );
  }
  if (primary === codes.constraint) return constraintFailure(error, code, action);
  return new ReactorError("storage_unavailable", `Cannot ${action}: ${error.message}`, {
    cause: error,
    retryAfterSecs: 1,
  });
}

/** The refusal of a database that is damaged: what was found, then what to do. */
export function damaged(
  path: string,
  found: string,
  orElse = "",
  details: Readonly<Record<string, unknown>> = {},
): ReactorError {
  return new ReactorError(
    "storage_unavailable",
    `Cannot open the store ${path}: ${found}; ${repairHint(path)}${orElse}`,
    { details: { path, ...details } },
  );
}

/** What to do about a database that is damaged; nothing is ever repaired or reset by itself. */
function repairHint(path: string): string {
  return `nothing was changed; stop the server and restore a backup (reactor backup restore), or save what is readable with: sqlite3 ${path} .recover | sqlite3 recovered.db, and put that in its place without the old -wal and -shm`;
}

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
