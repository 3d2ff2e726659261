import { DatabaseSync } from "node:sqlite";
import { Kysely } from "kysely";
import type { Clock } from "../../base/clock.ts";
import { ReactorError } from "../../domain/errors.ts";
import { dataFormat } from "../migrate.ts";
import { migrations } from "../migrations.ts";
import type { Tables } from "../tables.ts";
import { checkDatabaseFile } from "./check-database-file.ts";
import { allProblems } from "./database-problems.ts";
import { createSqliteDialect } from "./sqlite-dialect.ts";
import { sqliteFailure } from "./sqlite-failure.ts";

/** What a full check of a store found. */
export interface StoreInspection {
  readonly bytes: number;
  readonly formatVersion: number;
  /** The newest format that this Reactor knows. */
  readonly formatKnown: number;
  /** The Reactor that brought the data to their format; undefined before format 2. */
  readonly appliedBy: string | undefined;
  /** Empty when all is sound. */
  readonly problems: readonly string[];
}

/**
 * Reads through the whole store, also while a server has it open, and changes nothing. Undefined
 * when there is none. Throws as `openSqliteStore()` does when it cannot be read at all. Blocks the
 * event loop meanwhile: for programs that do nothing else.
 */
export async function inspectSqliteStore(
  path: string,
  clock: Clock,
): Promise<StoreInspection | undefined> {
  if (!(await isThere(path))) return undefined;
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { readOnly: true, timeout: 1_000 });
    const { problems, bytes } = allProblems(database);
    const dialect = createSqliteDialect({ database, begin: ["begin"], clock, busyMsMax: 1_000 });
    const { version, appliedBy } = await dataFormat(new Kysely<Tables>({ dialect }));
    const formatKnown = migrations.at(-1)?.version ?? 0;
    return { bytes, formatVersion: version, formatKnown, appliedBy, problems };
  } catch (error) {
    throw sqliteFailure(error, `read the store ${path}`, path) ?? error;
  } finally {
    database?.close();
  }
}

/** A log that changes while it is read looks damaged once, and not twice. */
async function isThere(path: string): Promise<boolean> {
  try {
    return await checkDatabaseFile(path);
  } catch (error) {
    if (!(error instanceof ReactorError)) throw error;
    return checkDatabaseFile(path);
  }
}
