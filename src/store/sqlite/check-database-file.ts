import { type FileHandle, open, stat } from "node:fs/promises";
import { ReactorError } from "../../domain/errors.ts";
import { systemCode } from "../system-code.ts";
import { damaged } from "./sqlite-failure.ts";
import { walProblem } from "./wal-problem.ts";

/** How every SQLite database begins. */
const magic = Buffer.from("SQLite format 3\0");

/**
 * Looks at a database that nobody has open, before SQLite may change it. Resolves whether there is
 * one. Throws `storage_unavailable`, with what was found and the remedy, for whatever SQLite would
 * take for an empty database or recover from by forgetting stored changes.
 *
 * @param usedWith files that exist only where a database was: with one of them, a missing database
 * is a lost one.
 */
export async function checkDatabaseFile(
  path: string,
  usedWith: readonly string[] = [],
): Promise<boolean> {
  const size = await databaseSize(path);
  if (size === undefined) {
    await refuseLost(path, [`${path}-wal`, ...usedWith]);
    return false;
  }
  if (size === 0) {
    throw damaged(path, "the file is empty", ", or remove it when nothing was ever stored here");
  }
  if (!(await startsAsDatabase(path))) throw damaged(path, "it is not an SQLite database");
  const problem = await attempt(path, () => walProblem(path));
  if (problem !== undefined) throw damaged(path, problem);
  return true;
}

/** Bytes of the file; undefined when there is none. */
async function databaseSize(path: string): Promise<number | undefined> {
  const state = await attempt(path, () => stat(path));
  if (state === undefined || state.isFile()) return state?.size;
  const found = state.isDirectory() ? "a folder" : "not a regular file";
  throw new ReactorError(
    "storage_unavailable",
    `Cannot open the store ${path}: it is ${found}; move that away, or choose another folder with --data-dir`,
  );
}

async function startsAsDatabase(path: string): Promise<boolean> {
  const file = await attempt(path, () => open(path, "r"));
  if (file === undefined) return false;
  try {
    return (await readStart(file)).equals(magic);
  } finally {
    await file.close();
  }
}

async function readStart(file: FileHandle): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(magic.length), 0, magic.length, 0);
  return buffer.subarray(0, bytesRead);
}

async function refuseLost(path: string, traces: readonly string[]): Promise<void> {
  for (const trace of traces) {
    const state = await attempt(path, () => stat(trace));
    if (state === undefined || state.size === 0) continue;
    throw damaged(
      path,
      `the file is gone, though ${trace} shows that there was one`,
      `, or remove ${trace} to start anew`,
    );
  }
}

/** Undefined when what is looked at does not exist. */
async function attempt<T>(path: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw new ReactorError(
      "storage_unavailable",
      `Cannot open the store ${path}: ${String(error)}; the server's user must be able to read and write the data folder`,
      { cause: error },
    );
  }
}
