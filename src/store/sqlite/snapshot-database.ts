import { open, rm } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { ReactorError } from "../../domain/errors.ts";
import type { StoreSnapshot } from "../store.ts";

/** What the copying thread is told. */
export interface SnapshotTask {
  readonly path: string;
  /** Exists and is empty. */
  readonly file: string;
}

/** What the copying thread answers: the copy's content, or SQLite's failure. */
export type SnapshotAnswer =
  | { readonly snapshot: StoreSnapshot }
  | { readonly message: string; readonly errcode: number | undefined };

/**
 * Copies the database at `path` to a new file with `VACUUM INTO`: one consistent state, without
 * the free pages in which deleted values may linger. In a thread of its own, because SQLite blocks
 * its thread for the whole copy and invocations must go on meanwhile.
 */
export async function snapshotDatabase(
  options: SnapshotTask & { readonly closing: AbortSignal },
): Promise<StoreSnapshot> {
  const { path, file, closing } = options;
  await createEmpty(file);
  try {
    const answer = await copyInThread({ path, file }, closing);
    if ("snapshot" in answer) return answer.snapshot;
    const { message, errcode } = answer;
    throw Object.assign(new Error(message), errcode === undefined ? {} : { errcode });
  } catch (error) {
    await rm(file, { force: true });
    await rm(`${file}-journal`, { force: true });
    throw error;
  }
}

/** SQLite would make the file readable to others; it takes an empty one as it is. */
async function createEmpty(file: string): Promise<void> {
  try {
    const handle = await open(file, "wx", 0o600);
    await handle.close();
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code === "EEXIST") {
      throw new ReactorError("conflict", `Cannot copy the store to ${file}: the file exists`, {
        cause,
      });
    }
    throw new ReactorError(
      code === "ENOSPC" ? "storage_full" : "storage_unavailable",
      `Cannot copy the store to ${file}: ${String(cause)}; its folder must be writable and have free space`,
      { cause },
    );
  }
}

async function copyInThread(task: SnapshotTask, closing: AbortSignal): Promise<SnapshotAnswer> {
  const closed = (): ReactorError =>
    new ReactorError("storage_unavailable", "Cannot copy the store: the store is closed");
  if (closing.aborted) throw closed();
  const done = Promise.withResolvers<SnapshotAnswer>();
  const worker = new Worker(new URL("./snapshot-worker.ts", import.meta.url), { workerData: task });
  const stop = (): void => done.reject(closed());
  closing.addEventListener("abort", stop, { once: true });
  worker.on("message", (answer: SnapshotAnswer) => done.resolve(answer));
  worker.on("error", (error) => done.reject(error));
  worker.on("exit", (code) => done.reject(new Error(`The copying thread ended with ${code}`)));
  try {
    return await done.promise;
  } finally {
    closing.removeEventListener("abort", stop);
    await worker.terminate();
  }
}
