import { DatabaseSync } from "node:sqlite";
import type { Clock } from "../../base/clock.ts";
import { BackupFault } from "../../domain/backup/backup-fault.ts";
import { type BackupManifest, blobsOf, storePath } from "../../domain/backup/backup-manifest.ts";
import type { StoreSnapshot } from "../../store/store.ts";
import { inspectDatabase } from "../../store/sqlite/inspect-database.ts";
import { inspectSqliteStore } from "../../store/sqlite/inspect-sqlite-store.ts";

/**
 * Opens a store that came out of a backup, without changing it, and proves that it is sound, of a
 * format that this Reactor knows, and names exactly the blobs of the manifest. Throws BackupFault.
 */
export async function checkStoreCopy(
  file: string,
  manifest: BackupManifest,
  clock: Clock,
): Promise<void> {
  const found = await attempt("open", () => inspectSqliteStore(file, clock));
  if (found === undefined) throw new BackupFault(`${storePath} is empty`);
  if (found.formatVersion > found.formatKnown) {
    throw new BackupFault(
      `${storePath} has the data format ${found.formatVersion}, made by Reactor ${manifest.serverVersion}; this Reactor knows formats up to ${found.formatKnown}: use the newer one`,
    );
  }
  if (found.problems.length > 0) {
    throw new BackupFault(`${storePath} is damaged: ${found.problems.slice(0, 5).join("; ")}`);
  }
  const content = await attempt("read", () => readContent(file));
  compare(manifest, content);
}

async function attempt<T>(action: string, work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof BackupFault) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new BackupFault(`Cannot ${action} the ${storePath} of the backup: ${why}`, { cause });
  }
}

function readContent(file: string): StoreSnapshot {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    database.exec("pragma trusted_schema = off");
    refuseCode(database);
    return inspectDatabase(database);
  } finally {
    database.close();
  }
}

/** A store has tables and indexes only; anything else in it would run when the server writes. */
function refuseCode(database: DatabaseSync): void {
  const query =
    "select type, name from sqlite_schema where type not in ('table', 'index') or sql like 'create virtual%' limit 1";
  const row = database.prepare(query).get();
  if (row === undefined) return;
  throw new BackupFault(
    `${storePath} holds a ${String(row["type"])} ${JSON.stringify(String(row["name"]).slice(0, 80))}, which no store of Reactor has`,
  );
}

function compare(manifest: BackupManifest, content: StoreSnapshot): void {
  if (content.formatVersion !== manifest.storeFormat) {
    throw new BackupFault(
      `backup.json says that ${storePath} has the data format ${manifest.storeFormat}, it has ${content.formatVersion}`,
    );
  }
  const said = [...blobsOf(manifest).map((file) => file.sha256), ...manifest.damagedBlobs];
  const there = new Set(said);
  const named = new Set(content.referencedBlobs);
  const missing = content.referencedBlobs.find((digest) => !there.has(digest));
  if (missing !== undefined)
    throw new BackupFault(`The blob ${missing} is missing: ${storePath} names it`);
  const extra = said.find((digest) => !named.has(digest));
  if (extra !== undefined)
    throw new BackupFault(`The blob ${extra} is too much: ${storePath} does not name it`);
}
