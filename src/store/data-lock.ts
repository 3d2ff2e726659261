import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { ReactorError } from "../domain/errors.ts";

/** The sole right to use a data folder. */
export interface DataLock {
  /** Gives the folder free. A second call does nothing. */
  release(): Promise<void>;
}

const busyCode = 5;

/** Holds what is locked: a connection that is garbage collected gives its lock up. */
const locked = new Set<DatabaseSync>();

/**
 * Takes the data folder for this process, or throws `conflict` naming the process that has it. The
 * lock is the kernel's (SQLite's byte-range lock on a file of its own, since Node has no flock), so
 * it ends with its process however that dies and is never stale. The pid beside it is only told.
 */
export async function lockDataFolder(dir: string): Promise<DataLock> {
  const pidPath = join(dir, "lock.pid");
  const database = await openLock(dir);
  try {
    database.exec("begin exclusive");
  } catch (error) {
    database.close();
    if (!isBusy(error)) throw unusable(dir, error);
    throw await heldByAnother(dir, pidPath, error);
  }
  locked.add(database);
  let held = true;
  const release = async (): Promise<void> => {
    if (!held) return;
    held = false;
    await rm(pidPath, { force: true });
    locked.delete(database);
    database.close();
  };
  try {
    await writeFile(pidPath, `${process.pid}\n`, { mode: 0o600 });
  } catch (error) {
    locked.delete(database);
    database.close();
    throw unusable(dir, error);
  }
  return { release };
}

async function openLock(dir: string): Promise<DatabaseSync> {
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    return new DatabaseSync(join(dir, "lock"), { timeout: 0 });
  } catch (error) {
    throw unusable(dir, error);
  }
}

function isBusy(error: unknown): boolean {
  if (!(error instanceof Error) || !("errcode" in error)) return false;
  return typeof error.errcode === "number" && (error.errcode & 0xff) === busyCode;
}

function unusable(dir: string, cause: unknown): ReactorError {
  return new ReactorError(
    "storage_unavailable",
    `Cannot lock the data folder ${dir}: ${String(cause)}; it must be a writable folder on a local disk`,
    { cause },
  );
}

async function heldByAnother(dir: string, pidPath: string, cause: unknown): Promise<ReactorError> {
  const pid = await readPid(pidPath);
  const holder = pid === undefined ? "another process" : `the server with pid ${pid}`;
  return new ReactorError(
    "conflict",
    `Cannot use the data folder ${dir}: ${holder} is using it; stop that server first, or choose another folder with --data-dir`,
    { cause, details: { data_dir: dir, ...(pid !== undefined && { pid }) } },
  );
}

/** The holder's pid, or undefined while it has the lock but has not written its pid yet. */
async function readPid(path: string): Promise<number | undefined> {
  try {
    const pid = Number((await readFile(path, "utf8")).trim());
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
