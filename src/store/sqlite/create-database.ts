import { constants } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ReactorError } from "../../domain/errors.ts";
import { systemCode } from "../system-code.ts";
import { sqliteFailure } from "./sqlite-failure.ts";

/**
 * Makes a database beside `path`, fills it and moves it there: a stop at any moment leaves a whole
 * database or none, so an empty file never means a start that was cut short.
 */
export async function createDatabase(
  path: string,
  pragmas: string,
  fill: (database: DatabaseSync) => Promise<void>,
): Promise<void> {
  const draft = `${path}.new`;
  await storing(`make the store ${path}`, path, async () => {
    await removeDatabase(draft);
    await createPrivate(draft);
    const database = new DatabaseSync(draft);
    try {
      database.exec(pragmas);
      await fill(database);
      // Closing would fold the log into the file as well, but says nothing when that fails.
      database.exec("pragma wal_checkpoint(truncate)");
    } finally {
      database.close();
    }
    await moveDurably(draft, path);
  });
}

/**
 * Keeps the data as they are before a newer Reactor changes their format, as `<path>.format-<n>`:
 * the one way back to the older Reactor. One copy per format; it may be removed at any time.
 */
export async function keepFormatCopy(
  database: DatabaseSync,
  path: string,
  fromVersion: number,
): Promise<void> {
  const copy = `${path}.format-${fromVersion}`;
  const draft = `${copy}.new`;
  await storing(`keep a copy of format ${fromVersion} in ${copy}`, path, async () => {
    await removeDatabase(draft);
    await createPrivate(draft);
    database.prepare("vacuum into ?").run(draft);
    await moveDurably(draft, copy);
  });
}

async function storing(action: string, path: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const known = error instanceof ReactorError ? error : sqliteFailure(error, action, path);
    if (known !== undefined) throw known;
    const full = systemCode(error) === "ENOSPC" || systemCode(error) === "EDQUOT";
    throw new ReactorError(
      full ? "storage_full" : "storage_unavailable",
      `Cannot ${action}: ${full ? "the disk is full" : String(error)}; the data folder must be writable and have free space`,
      { cause: error },
    );
  }
}

async function removeDatabase(path: string): Promise<void> {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) await rm(path + suffix, { force: true });
}

/** An empty file that only this user may read: SQLite would go by the umask. */
async function createPrivate(path: string): Promise<void> {
  const file = await open(path, "wx", 0o600);
  await file.close();
}

/** Renames a file once its content is on disk, and makes the new name durable too. */
async function moveDurably(from: string, to: string): Promise<void> {
  await synced(from, constants.O_RDWR);
  await rename(from, to);
  await synced(dirname(to), constants.O_RDONLY);
}

async function synced(path: string, flags: number): Promise<void> {
  const file = await open(path, flags);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
