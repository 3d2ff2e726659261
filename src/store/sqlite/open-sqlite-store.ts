import { mkdir } from "node:fs/promises";
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
import { systemCode } from "../system-code.ts";
import type { Tables } from "../tables.ts";
import { checkDatabaseFile } from "./check-database-file.ts";
import { createDatabase, keepFormatCopy } from "./create-database.ts";
import { quickProblems } from "./database-problems.ts";
import { createDamageAlarm } from "./damage-alarm.ts";
import { snapshotDatabase } from "./snapshot-database.ts";
import { createSqliteDialect } from "./sqlite-dialect.ts";
import { damaged, sqliteFailure } from "./sqlite-failure.ts";

export interface SqliteStoreOptions {
  /** Path of the database file; its folder is made when missing. */
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Version of this Reactor, recorded in the data when it changes their format. */
  readonly version?: string;
  /** Files that exist only where a database was: beside one of them a missing database is refused. */
  readonly usedWith?: readonly string[];
  /** How long a transaction may try to begin while another process holds the database. */
  readonly busyMsMax?: number;
  /** No commit waits for the disk: a kill loses nothing, a power cut the last changes. */
  readonly unsynced?: true | undefined;
  /** The data formats this build knows; all of them unless a test says otherwise. */
  readonly knownMigrations?: readonly Migration[];
}

const readersCount = 2;
/** SQLite's own wait blocks the event loop, so it is short; `begin` waits longer without blocking. */
const blockingBusyMs = 20;
const writerPragmas =
  "pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on";

/**
 * Opens the SQLite control store, making or migrating it as needed. Acknowledged writes survive a
 * power cut (WAL, synchronous=FULL), unless it is `unsynced`. Refuses, with `storage_unavailable` and
 * the remedy, a damaged, emptied or lost file and data of a newer format; a large file is checked less
 * deeply, see `quickProblems()`.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { path, clock, log, version = "unknown", busyMsMax = 2_000 } = options;
  await makeFolder(path);
  const known = options.knownMigrations;
  const common = { clock, log, version, ...(known && { known }) };
  if (!(await checkDatabaseFile(path, options.usedWith))) {
    await createDatabase(path, writerPragmas, async (database) => {
      const dialect = createSqliteDialect({ database, begin: ["begin"], clock, busyMsMax });
      await migrate({ ...common, db: new Kysely<Tables>({ dialect }) });
    });
  }
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
    const unsynced = options.unsynced ? "; pragma synchronous = normal" : "";
    const writer = connect(["begin immediate"], writerPragmas + unsynced);
    const [database] = databases;
    if (database) refuseDamaged(database, path, log);
    await migrate({
      ...common,
      db: writer,
      beforeUpgrade: async (from) => {
        if (database) await keepFormatCopy(database, path, from);
      },
    });
    // A deferred transaction has no snapshot before its first read.
    const snapshot = ["begin", "select 1 from reactor_migrations limit 1"];
    const readers = Array.from({ length: readersCount }, () =>
      connect(snapshot, "pragma query_only = on"),
    );
    const alarm = createDamageAlarm({ path, clock, log });
    const translate = (error: unknown, action: string): ReactorError | undefined => {
      alarm(error, action);
      return sqliteFailure(error, action, path);
    };
    return createKyselyStore({
      writer,
      readers,
      translate,
      snapshot: (file, closing) => snapshotDatabase({ path, file, closing }),
      close: closeAll,
      clock,
    });
  } catch (error) {
    await closeAll();
    if (error instanceof ReactorError) throw error;
    throw sqliteFailure(error, `open the store ${path}`, path) ?? error;
  }
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  } catch (error) {
    const full = systemCode(error) === "ENOSPC";
    throw new ReactorError(
      full ? "storage_full" : "storage_unavailable",
      `Cannot open the store ${path}: ${full ? "the disk is full" : String(error)}; the data folder must be writable and have free space`,
      { cause: error },
    );
  }
}

function refuseDamaged(database: DatabaseSync, path: string, log: Log): void {
  const { problems, depth, bytes } = quickProblems(database);
  if (problems.length > 0) {
    throw damaged(path, `its content is damaged (${problems[0]})`, "", { problems });
  }
  if (depth === "header") {
    log.info("store: too large for a check at start; `reactor doctor` checks all of it", {
      path,
      bytes,
    });
  }
}
