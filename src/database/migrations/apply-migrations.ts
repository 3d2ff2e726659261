import { sha256Hex } from "../../base/digest.ts";
import { DatabaseError } from "../database-error.ts";
import type { DatabaseConnection } from "../postgres/database-connection.ts";
import type { ProjectDatabase } from "../project-database.ts";
import { decodeResult, type QueryResult } from "../query/decode-result.ts";
import { type AppliedMigration, type MigrationFile, planMigrations } from "./plan-migrations.ts";

/** How long one file may take. */
const timeoutText = "10min";
const limits = { rowsMax: 100_000, bytesMax: 32 * 1024 * 1024 };
/** The lock of the database that lets one run of migrations in; any number that others do not use. */
const lockKey = 7_304_561_001;

/** What a run did. */
export interface MigrationOutcome {
  /** Names, in the order in which they were applied. */
  readonly applied: readonly string[];
  /** How many had been applied before. */
  readonly present: number;
}

/** Every file that was applied, oldest first. */
export async function listMigrations(
  database: ProjectDatabase,
): Promise<readonly AppliedMigration[]> {
  return withConnection(database, readApplied);
}

/**
 * Applies the files that were not applied yet, in order, each in a transaction of its own together
 * with its record. The first that fails ends the run; those before it stay applied. One run at a time.
 */
export async function applyMigrations(
  database: ProjectDatabase,
  files: readonly MigrationFile[],
): Promise<MigrationOutcome> {
  // What is wrong with the files alone is said without waiting for anything.
  planMigrations(files, []);
  return withConnection(database, async (connection) => {
    await connection.command(`SET statement_timeout = '${timeoutText}'`);
    await connection.command(`SELECT pg_advisory_lock(${lockKey})`);
    await connection.command(
      "CREATE SCHEMA IF NOT EXISTS reactor; CREATE TABLE IF NOT EXISTS reactor.migrations (name text PRIMARY KEY, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now(), position bigserial)",
    );
    const before = await readApplied(connection);
    const applied: string[] = [];
    for (const file of planMigrations(files, before)) {
      try {
        await applyOne(connection, file);
      } catch (error) {
        throw told(error, file, applied);
      }
      applied.push(file.name);
    }
    return { applied, present: before.length };
  });
}

async function withConnection<T>(
  database: ProjectDatabase,
  work: (connection: DatabaseConnection) => Promise<T>,
): Promise<T> {
  const connection = await database.acquire();
  try {
    return await work(connection);
  } finally {
    // Resetting it rolls back and gives the lock up.
    await database.release(connection);
  }
}

async function readApplied(connection: DatabaseConnection): Promise<readonly AppliedMigration[]> {
  const there = await ask(connection, "SELECT to_regclass('reactor.migrations')::text", []);
  if (there.rows[0]?.[0] === null) return [];
  const { rows } = await ask(
    connection,
    "SELECT name, checksum, applied_at FROM reactor.migrations ORDER BY position",
    [],
  );
  return rows.map(([name, checksum, appliedAt]) => ({
    name: String(name),
    checksum: String(checksum),
    appliedAt: String(appliedAt),
  }));
}

async function applyOne(
  connection: DatabaseConnection,
  { name, sql }: MigrationFile,
): Promise<void> {
  await connection.command("BEGIN");
  const transaction = await transactionId(connection);
  await connection.command(sql);
  // A function that the file calls could still have ended it.
  if (!connection.isInTransaction || (await transactionId(connection)) !== transaction) {
    throw new DatabaseError("query_failed", "it ended its transaction by itself");
  }
  await ask(connection, "INSERT INTO reactor.migrations (name, checksum) VALUES ($1, $2)", [
    name,
    sha256Hex(sql),
  ]);
  await connection.command("COMMIT");
}

async function transactionId(connection: DatabaseConnection): Promise<unknown> {
  return (await ask(connection, "SELECT pg_current_xact_id()::text", [])).rows[0]?.[0];
}

async function ask(
  connection: DatabaseConnection,
  text: string,
  values: readonly string[],
): Promise<QueryResult> {
  return decodeResult(await connection.run({ text, values }, { limits }));
}

/** The failure with the file and the line, and with what stays applied. */
function told(error: unknown, { name, sql }: MigrationFile, applied: readonly string[]): unknown {
  if (!(error instanceof DatabaseError)) return error;
  const { position } = error.facts;
  const at = position === undefined ? "" : `, line ${sql.slice(0, position).split("\n").length}`;
  const kept = applied.length === 0 ? "" : `; applied before it: ${applied.join(", ")}`;
  const reason =
    error.code === "query_timeout" ? `it ran longer than ${timeoutText}` : error.message;
  const message = `Cannot apply ${name}${at}: ${reason}${kept}`;
  return new DatabaseError(error.code, message, { ...error.facts, field: name }, { cause: error });
}
