import path from "node:path";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import {
  createFunctionDatabases,
  type FunctionDatabases,
} from "../database/create-function-databases.ts";
import { databaseArchives } from "../database/backup/database-archives.ts";
import { parseDatabaseUrl } from "../database/postgres/database-url.ts";
import { ManagedPostgres } from "../database/postgres/managed-postgres.ts";
import { createProgramStarter } from "../drivers/process/platform-programs.ts";
import type { Settings } from "./config/settings.ts";
import { packageRoot } from "./package-root.ts";

export interface OpenedDatabase {
  readonly databases: FunctionDatabases;
  /** Ends every session, and the PostgreSQL that was started. */
  close(): Promise<void>;
}

/**
 * Makes the function database ready to be used; nothing is started before a function asks for it.
 * What an earlier server left running is ended.
 */
export async function openDatabase(options: {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly searchPath: string | undefined;
}): Promise<OpenedDatabase> {
  const { settings, clock, random, log, searchPath } = options;
  const { databaseUrl } = settings;
  const common = {
    clock,
    random,
    log,
    settings: {
      statementTimeoutMs: settings.databaseStatementTimeoutMs,
      transactionTimeoutMs: settings.databaseTransactionTimeoutMs,
      poolSize: settings.databasePoolSize,
      poolIdleMs: settings.databasePoolIdleSecs * 1000,
      resultBytesMax: settings.databaseResultBytesMax,
      slowQueryMs: settings.databaseSlowQueryMs,
      repeatedQueriesMax: settings.databaseRepeatedQueriesMax,
    },
  };
  if (databaseUrl !== undefined) {
    const target = parseDatabaseUrl(databaseUrl);
    const databases = createFunctionDatabases({
      ...common,
      admin: () => Promise.resolve(target),
      isMade: () => true,
    });
    return { databases, close: () => databases.close() };
  }
  const postgres = new ManagedPostgres({
    ...common,
    path: path.join(settings.dataDir, "postgres"),
    runDir: settings.runDir,
    binaries: settings.databaseBinaries,
    searchPath,
    packageRoots: [packageRoot],
    connectionsMax: settings.databaseConnectionsMax,
    programs: createProgramStarter(clock),
  });
  await postgres.sweep();
  const databases = createFunctionDatabases({
    ...common,
    admin: () => postgres.ensure(),
    isMade: () => postgres.major !== undefined,
    archives: databaseArchives(postgres),
  });
  return {
    databases,
    async close() {
      await databases.close();
      await postgres.stop();
    },
  };
}
