import { link, open, rename } from "node:fs/promises";
import path from "node:path";
import type { Random } from "../../base/random.ts";
import type { MasterKeyFile } from "../../control/master-key-file.ts";
import { ReactorError } from "../../domain/errors.ts";
import { createDataKeyFile, readDataKeyFile } from "./data-key.ts";

/**
 * Opens the data key's file for rotations. The new key waits in `<file>.next` until every secret is
 * sealed under it, and then takes the file's name by one rename; the former one stays as `<file>.<id>`.
 */
export async function openDataKeyRotation(file: string, random: Random): Promise<MasterKeyFile> {
  const next = `${file}.next`;
  return {
    pending: await readDataKeyFile(next),
    prepare: () =>
      attempt("make", async () => {
        const present = await readDataKeyFile(next);
        if (present !== undefined) return present;
        await createDataKeyFile(next, random);
        const made = await readDataKeyFile(next);
        if (made === undefined) throw new Error(`${next} was removed`);
        return made;
      }),
    commit: () =>
      attempt("put in place", async () => {
        const former = await readDataKeyFile(file);
        if (former === undefined) throw new Error(`there is no ${file}`);
        const kept = `${file}.${former.id}`;
        await linkOnce(file, kept);
        await rename(next, file);
        await syncFolder(path.dirname(file));
        return kept;
      }),
  };
}

async function attempt<T>(action: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ReactorError(
      "storage_unavailable",
      `Cannot ${action} the new data key: ${reason}; both keys are kept, run the rotation again or start the server again`,
      { cause },
    );
  }
}

/** An earlier attempt may have kept the former key already. */
async function linkOnce(file: string, kept: string): Promise<void> {
  try {
    await link(file, kept);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

async function syncFolder(folder: string): Promise<void> {
  const directory = await open(folder, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
