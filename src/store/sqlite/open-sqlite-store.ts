import { constants } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Kysely } from "kysely";
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { ReactorError } from "../../domain/errors.ts";
import { createKyselyStore } from "../kysely-store.ts";
import { migrate } from "../migrate.ts";
import type { Migration } from "../migrations.ts";
import type { Store } from "../store.ts";
import type { Tables } from "../tables.ts";
import { createSqliteDialect } from "./sqlite-dialect.ts";
import { repairHint, sqliteFailure } from "./sqlite-failure.ts";

export interface SqliteStoreOptions {
  /** Path of the database file; its folder is made when missing. */
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  /** How long a transaction may try to begin while another process holds the database. */
  readonly busyMsMax?: number;
  /** The data formats this build knows; all of them unless a test says otherwise. */
  readonly knownMigrations?: readonly Migration[];
}

const readersCount = 2;
/** SQLite's own wait blocks the event loop, so it is short; `begin` waits longer without blocking. */
const blockingBusyMs = 20;

/**
 * Opens the SQLite control store, making or migrating it as needed. Acknowledged writes survive a
 * power cut (WAL, synchronous=FULL). Refuses, with `storage_unavailable` and the remedy, a damaged
 * file and data of a newer format.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { path, clock, log, busyMsMax = 2_000 } = options;
  await createFile(path);
  const databases: DatabaseSync[] = [];
  const connect = (begin: readonly string[], pragmas: string): Kysely<Tables> => {
    const database = new DatabaseSync(path, { timeout: blockingBusyMs });
    databases.push(database);
    database.exec(pragmas);
    return new Kysely({ dialect: createSqliteDialect({ database, begin, clock, busyMsMax }) });
  };
  const closeAll = async (): Promise<void> => {
    // The writer comes first in the list and last here: the last one to close folds the WAL in.
    for (const database of databases.toReversed()) database.close();
  };
  try {
    const writer = connect(
      ["begin immediate"],
      "pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on",
    );
    refuseDamaged(databases[0], path);
    const known = options.knownMigrations;
    await migrate({ db: writer, clock, log, ...(known && { known }) });
    // A deferred transaction has no snapshot before its first read.
    const snapshot = ["begin", "select 1 from reactor_migrations limit 1"];
    const readers = Array.from({ length: readersCount }, () =>
      connect(snapshot, "pragma query_only = on"),
    );
    return createKyselyStore({ writer, readers, translate: sqliteFailure, close: closeAll, clock });
  } catch (error) {
    await closeAll();
    if (error instanceof ReactorError) throw error;
    throw sqliteFailure(error, `open the store ${path}`) ?? error;
  }
}

/** Makes the file private to this user, and its name durable: SQLite syncs only what is inside. */
async function createFile(path: string): Promise<void> {
  const folder = dirname(path);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    await file.close();
    const directory = await open(folder, constants.O_RDONLY);
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  } catch (error) {
    const full = error instanceof Error && "code" in error && error.code === "ENOSPC";
    throw new ReactorError(
      full ? "storage_full" : "storage_unavailable",
      `Cannot open the store ${path}: ${full ? "the disk is full" : String(error)}; the data folder must be writable and have free space`,
      { cause: error },
    );
  }
}

function refuseDamaged(database: DatabaseSync | undefined, path: string): void {
  const rows = database?.prepare("pragma quick_check(5)").all() ?? [];
  const problems = rows.map((row) => String(row["quick_check"])).filter((text) => text !== "ok");
  if (problems.length === 0) return;
  throw new ReactorError("storage_unavailable", `Cannot open the store ${path}: ${repairHint}`, {
    details: { problems },
  });
}
