import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { silentLog } from "../../base/log.ts";
import { systemRandom } from "../../base/random.ts";
import { createProgramStarter } from "../../drivers/process/platform-programs.ts";
import { createFunctionDatabases, type FunctionDatabases } from "../create-function-databases.ts";
import type { DatabaseSettings } from "../database-settings.ts";
import { findPostgres } from "../postgres/find-postgres.ts";
import { ManagedPostgres } from "../postgres/managed-postgres.ts";

export const testSettings: DatabaseSettings = {
  statementTimeoutMs: 20_000,
  transactionTimeoutMs: 20_000,
  poolSize: 4,
  poolIdleMs: 60_000,
  resultBytesMax: 1024 * 1024,
  slowQueryMs: 10_000,
  repeatedQueriesMax: 20,
};

/** Undefined: there is no PostgreSQL here; then tests that need one are skipped by name. */
export const postgresFolder = findPostgres({
  setting: undefined,
  searchPath: process.env["PATH"],
})[0];

export interface TestDatabases {
  readonly postgres: ManagedPostgres;
  readonly databases: FunctionDatabases;
  readonly path: string;
  readonly runDir: string;
  close(): Promise<void>;
}

/** A PostgreSQL of the test's own, in folders of its own. */
export function openTestDatabases(
  options: {
    readonly settings?: Partial<DatabaseSettings>;
    readonly log?: Log;
    readonly root?: string;
    /** Those of the system when it is absent. */
    readonly binaries?: string;
  } = {},
): TestDatabases {
  const root = options.root ?? mkdtempSync(join(tmpdir(), "reactor-db-"));
  const path = join(root, "postgres");
  const runDir = mkdtempSync(join(process.getuid?.() === 0 ? "/run" : tmpdir(), "rdb-"));
  const common = { clock: systemClock, random: systemRandom, log: options.log ?? silentLog };
  const postgres = new ManagedPostgres({
    ...common,
    path,
    runDir,
    binaries: options.binaries,
    searchPath: process.env["PATH"],
    packageRoots: [],
    connectionsMax: 50,
    programs: createProgramStarter(systemClock),
  });
  const databases = createFunctionDatabases({
    ...common,
    admin: () => postgres.ensure(),
    isMade: () => postgres.major !== undefined,
    settings: { ...testSettings, ...options.settings },
  });
  return {
    postgres,
    databases,
    path,
    runDir,
    async close() {
      await databases.close();
      await postgres.stop();
      rmSync(runDir, { recursive: true, force: true });
      if (options.root === undefined) rmSync(root, { recursive: true, force: true });
    },
  };
}
