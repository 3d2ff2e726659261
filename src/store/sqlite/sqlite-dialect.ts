import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import { assert } from "../../base/assert.ts";
import type { Clock } from "../../base/clock.ts";
import { isBusy, isSyncFailure } from "./sqlite-failure.ts";

export interface SqliteDialectOptions {
  /** The one connection of this dialect; the caller opens and closes it. */
  readonly database: DatabaseSync;
  /** Statements that start a transaction; the last takes the lock or the snapshot. */
  readonly begin: readonly string[];
  readonly clock: Clock;
  /** How long to try to begin while another process holds the database. */
  readonly busyMsMax: number;
}

const busyPauseMs = 10;

/** Kysely over one node:sqlite connection. */
export function createSqliteDialect(options: SqliteDialectOptions): Dialect {
  return {
    createDriver: () => createDriver(options),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new SqliteAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  };
}

function createDriver(options: SqliteDialectOptions): Driver {
  const { database } = options;
  const fence: Fence = { isUp: false };
  const connection: DatabaseConnection = {
    executeQuery: async <R>(query: CompiledQuery) => execute<R>(database, query),
    streamQuery() {
      throw new Error("Streaming is not supported: read pages instead");
    },
  };
  return {
    async init() {},
    acquireConnection: async () => connection,
    beginTransaction: () => begin(options, fence),
    async commitTransaction() {
      try {
        database.exec("commit");
      } catch (error) {
        if (isSyncFailure(error)) fence.isUp = true;
        throw error;
      }
    },
    async rollbackTransaction() {
      // After some failures, such as a full disk, SQLite has rolled back by itself.
      if (database.isTransaction) database.exec("rollback");
    },
    async releaseConnection() {},
    async destroy() {},
  };
}

/** Up after a commit whose sync failed, until the database is known to be whole on disk again. */
interface Fence {
  isUp: boolean;
}

/**
 * Begins, trying again while another process holds the lock. SQLite's own busy timeout would block
 * the event loop, and with it every invocation, for as long as it waits.
 */
async function begin(options: SqliteDialectOptions, fence: Fence): Promise<void> {
  const { database, begin, clock, busyMsMax } = options;
  const startedMs = clock.monotonicMs();
  for (;;) {
    try {
      if (fence.isUp) lower(fence, database);
      for (const statement of begin) database.exec(statement);
      return;
    } catch (error) {
      if (database.isTransaction) database.exec("rollback");
      if (!isBusy(error) || clock.monotonicMs() - startedMs >= busyMsMax) throw error;
    }
    await clock.sleep(busyPauseMs);
  }
}

/**
 * After a failed sync the kernel may have dropped what it could not write and report the next sync
 * as a success, so that is no proof of anything. Proof is to write everything of the log once more,
 * into the database, sync that and empty the log; which also removes the refused change from it.
 */
function lower(fence: Fence, database: DatabaseSync): void {
  const row = database.prepare("pragma wal_checkpoint(truncate)").get();
  if (Number(row?.["busy"]) !== 0) throw new BusyError();
  fence.isUp = false;
}

/** As SQLite's own error when a lock is held; a checkpoint tells it by its result. */
class BusyError extends Error {
  readonly errcode = 5;
  constructor() {
    super("the log cannot be emptied while it is read");
  }
}

function execute<R>(database: DatabaseSync, query: CompiledQuery): QueryResult<R> {
  const statement = database.prepare(query.sql);
  const parameters = query.parameters.map(bindable);
  if (statement.columns().length > 0) {
    // Kysely's types, not this adapter, say what a row holds.
    return { rows: statement.all(...parameters) as R[] };
  }
  const { changes, lastInsertRowid } = statement.run(...parameters);
  return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
}

function bindable(value: unknown): SQLInputValue {
  const simple = value === null || typeof value === "string" || typeof value === "bigint";
  if (simple) return value;
  if (typeof value === "number") {
    assert(Number.isFinite(value), "numbers in the store are finite");
    return value;
  }
  assert(value instanceof Uint8Array, `a ${typeof value} cannot be stored`);
  return value;
}
