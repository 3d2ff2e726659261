import { chown, lstat, mkdir, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import type { Clock } from "../../base/clock.ts";
import { BackupFault } from "../../domain/backup/backup-fault.ts";
import { clusterPath } from "../../database/postgres/cluster-folder.ts";
import {
  type BackupFile,
  type BackupManifest,
  dumpedProject,
  storePath,
} from "../../domain/backup/backup-manifest.ts";
import { readBackup } from "../../domain/backup/read-backup.ts";
import { backupChunks } from "./backup-chunks.ts";
import { checkStoreCopy } from "./check-store-copy.ts";
import { postgresFolder } from "./restore-databases.ts";
import { syncTree } from "./sync-tree.ts";
import { writePieces } from "./verify-backup.ts";

export interface RestoreOptions {
  /** The backup. */
  readonly file: string;
  /** Absolute path of the data folder to make; must not exist, or be empty. */
  readonly dataDir: string;
  /** The text of the data key's file, once the manifest is known; undefined to leave it out. */
  readonly dataKey: (manifest: BackupManifest) => Promise<string | undefined>;
  /** Makes an admin key of its own in the restored folder, for when every old one is lost. */
  readonly addAdminKey: ((draft: string) => Promise<void>) | undefined;
  /** What makes databases of the archives in a folder; undefined leaves them out. */
  readonly restoreDatabases: ((at: DatabasesToRestore) => Promise<void>) | undefined;
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

/** Archives that were taken out of a backup, and the data folder that is being made. */
export interface DatabasesToRestore {
  readonly dataDir: string;
  readonly draft: string;
  readonly archives: string;
  readonly manifest: BackupManifest;
}

export interface Restored {
  readonly manifest: BackupManifest;
  readonly keyRestored: boolean;
}

/** Folder in the draft that the archives are in until they are restored. */
const archivesFolder = "databases";

/**
 * Makes a data folder of a backup. Everything is written and proven in a folder beside it, which is
 * renamed at the end: a stop at any moment leaves no data folder or the whole one. Names from the
 * backup are never used as paths but for digests that were checked. Throws BackupFault.
 */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const { dataDir, clock } = options;
  const owner = await refuseUsed(dataDir);
  const parent = path.dirname(dataDir);
  const prefix = `.${path.basename(dataDir)}.restoring-`;
  const draft = path.join(parent, `${prefix}${process.pid}`);
  try {
    await mkdir(parent, { recursive: true, mode: 0o700 });
    await removeDead(parent, prefix);
    await mkdir(draft, { mode: 0o700 });
  } catch (cause) {
    throw new BackupFault(`Cannot write beside ${dataDir}: ${String(cause)}`, { cause });
  }
  try {
    const restored = await fill(options, draft);
    await checkStoreCopy(path.join(draft, storePath), restored.manifest, clock);
    await options.addAdminKey?.(draft);
    const archives = path.join(draft, archivesFolder);
    await options.restoreDatabases?.({ dataDir, draft, archives, manifest: restored.manifest });
    await syncTree(draft, (entry) => give(entry, draft, owner));
    await refuseUsed(dataDir);
    await rename(draft, dataDir);
    await syncTree(parent, () => undefined, { deep: false });
    return restored;
  } catch (cause) {
    throw explain(cause, dataDir);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function fill(options: RestoreOptions, draft: string): Promise<Restored> {
  const { file, signal, dataKey } = options;
  let keyText: string | undefined;
  const manifest = await readBackup(backupChunks(file, signal), {
    async onManifest(found) {
      keyText = await dataKey(found);
      if (keyText === undefined) return;
      await writePieces(path.join(draft, "data.key"), [Buffer.from(`${keyText}\n`)]);
    },
    async onFile(file, pieces) {
      const target = placeOf(draft, file);
      // Read all the same, and so proven.
      if (dumpedProject(file) !== undefined && options.restoreDatabases === undefined) return;
      await mkdir(path.dirname(target), { recursive: true, mode: 0o700 });
      await writePieces(target, pieces);
    },
  });
  return { manifest, keyRestored: keyText !== undefined };
}

/** Where in the draft a file of the backup goes. */
function placeOf(draft: string, file: BackupFile): string {
  const projectId = dumpedProject(file);
  if (projectId !== undefined) return path.join(draft, archivesFolder, `${projectId}.dump`);
  return file.path === storePath ? path.join(draft, storePath) : blobFile(draft, file.sha256);
}

/** Where the server's blob store keeps a blob, with `functions.workdir` at its default. */
function blobFile(dataDir: string, digest: string): string {
  const fan = [digest.slice(0, 2), digest.slice(2, 4)];
  return path.join(dataDir, "functions", "bundles", ...fan, digest);
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Gives an entry of the draft to whom the data folder belongs. */
function give(entry: string, draft: string, owner: Owner | undefined): Promise<void> | undefined {
  if (owner === undefined) return undefined;
  // Under root PostgreSQL's own files are another user's already.
  const isCluster = entry.startsWith(clusterPath(postgresFolder(draft)));
  return owner.uid === 0 && isCluster ? undefined : chown(entry, owner.uid, owner.gid);
}

/** Refuses a folder that holds anything; resolves with whose the empty one is. */
async function refuseUsed(dataDir: string): Promise<Owner | undefined> {
  let names: string[];
  try {
    const state = await lstat(dataDir);
    if (!state.isDirectory())
      throw new BackupFault(`Cannot restore to ${dataDir}: it is no folder`);
    names = await readdir(dataDir);
    if (names.length === 0) return { uid: state.uid, gid: state.gid };
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    if (cause instanceof BackupFault) throw cause;
    throw new BackupFault(`Cannot restore to ${dataDir}: ${String(cause)}`, { cause });
  }
  const inUse = names.includes("lock.pid") ? "a server uses it, or was killed while it did" : "";
  throw new BackupFault(
    `Cannot restore to ${dataDir}: it is not empty${inUse === "" ? "" : ` (${inUse})`}; stop its server and move it away, or restore to another folder`,
  );
}

/** Removes what killed restores of the same folder left. */
async function removeDead(parent: string, prefix: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = name.startsWith(prefix) ? Number(name.slice(prefix.length)) : Number.NaN;
    if (!Number.isInteger(pid) || (pid !== process.pid && isAlive(pid))) continue;
    await rm(path.join(parent, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function explain(cause: unknown, dataDir: string): unknown {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new BackupFault(`Cannot restore to ${dataDir}: the disk is full`, { cause });
  }
  if (code === "EBUSY" || code === "EXDEV") {
    return new BackupFault(
      `Cannot restore to ${dataDir}: it is a mount point; restore to a folder inside of it`,
      { cause },
    );
  }
  return cause;
}
