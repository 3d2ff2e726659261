import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Clock } from "../../base/clock.ts";
import { sha256Hex } from "../../base/digest.ts";
import { silentLog } from "../../base/log.ts";
import { systemRandom } from "../../base/random.ts";
import { restoreArchives } from "../../database/backup/restore-archives.ts";
import { DatabaseError } from "../../database/database-error.ts";
import { ManagedPostgres } from "../../database/postgres/managed-postgres.ts";
import { BackupFault } from "../../domain/backup/backup-fault.ts";
import { type BackupManifest, dumpedProject } from "../../domain/backup/backup-manifest.ts";
import { createProgramStarter } from "../../drivers/process/platform-programs.ts";
import { packageRoot } from "../package-root.ts";

export interface RestoreDatabasesOptions {
  /** The data folder that is wanted, and the draft of it. */
  readonly dataDir: string;
  readonly draft: string;
  /** Folder with the archives, one `<project id>.dump` each; removed at the end. */
  readonly archives: string;
  readonly manifest: BackupManifest;
  /** A folder with PostgreSQL's binaries; undefined: the system's. */
  readonly binaries: string | undefined;
  readonly searchPath: string | undefined;
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

const connectionsMax = 20;

/** Where a server of this data folder keeps its PostgreSQL. */
export function postgresFolder(dataDir: string): string {
  return path.join(dataDir, "postgres");
}

/**
 * Makes the functions' databases out of their archives, by a PostgreSQL of its own that ends with
 * it. Throws BackupFault that says what is missing here.
 */
export async function restoreDatabases(options: RestoreDatabasesOptions): Promise<void> {
  const { draft, manifest, clock, signal } = options;
  const projects = manifest.files.flatMap((file) => dumpedProject(file) ?? []);
  if (projects.length === 0) return;
  // The same for the same folder, so that a killed restore leaves nothing that the next would not take.
  const runDir = path.join(runRoot(), `reactor-restore-${sha256Hex(options.dataDir).slice(0, 8)}`);
  const postgres = new ManagedPostgres({
    path: postgresFolder(draft),
    runDir,
    binaries: options.binaries,
    searchPath: options.searchPath,
    packageRoots: [packageRoot],
    connectionsMax,
    programs: createProgramStarter(clock),
    clock,
    random: systemRandom,
    log: silentLog,
  });
  try {
    await restoreArchives({
      postgres,
      archives: projects.map((projectId) => ({
        projectId,
        file: path.join(options.archives, `${projectId}.dump`),
      })),
      random: systemRandom,
      signal,
    });
  } catch (cause) {
    if (signal.aborted || !(cause instanceof DatabaseError)) throw cause;
    const { postgresMajor } = manifest.databases;
    throw new BackupFault(
      `Cannot restore the function databases, which PostgreSQL ${postgresMajor} kept: ${cause.message}; --no-databases restores everything else`,
      { cause },
    );
  } finally {
    await postgres.stop();
    await rm(runDir, { recursive: true, force: true });
    await rm(options.archives, { recursive: true, force: true });
  }
}

/** Short, since the path of a socket is. */
function runRoot(): string {
  return process.getuid?.() === 0 && existsSync("/run") ? "/run" : tmpdir();
}
