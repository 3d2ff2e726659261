import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { inspectDatabase } from "./inspect-database.ts";
import type { SnapshotAnswer, SnapshotTask } from "./snapshot-database.ts";

/** The thread of `snapshotDatabase`: copies one database and says what the copy holds. */
function copy({ path, file }: SnapshotTask): SnapshotAnswer {
  try {
    const source = new DatabaseSync(path, { readOnly: true, timeout: 10_000 });
    try {
      source.prepare("vacuum into ?").run(file);
    } finally {
      source.close();
    }
    const made = new DatabaseSync(file, { readOnly: true });
    try {
      return { snapshot: inspectDatabase(made) };
    } finally {
      made.close();
    }
  } catch (error) {
    // An error loses SQLite's result code on its way between threads.
    const errcode = error instanceof Error && "errcode" in error ? error.errcode : undefined;
    return { message: String(error), errcode: typeof errcode === "number" ? errcode : undefined };
  }
}

// The thread is started with exactly this as its data.
parentPort?.postMessage(copy(workerData as SnapshotTask), []);
