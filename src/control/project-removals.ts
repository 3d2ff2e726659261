import type { Clock, Timer } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { FunctionDatabases } from "../database/create-function-databases.ts";
import type { Store } from "../store/store.ts";

export interface ProjectRemovalsOptions {
  readonly store: Store;
  /** Absent: functions have no database. */
  readonly databases: FunctionDatabases | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** Erases what is left of removed projects; what it cannot erase now it tries again. */
export interface ProjectRemovals {
  /** Erases those that an earlier start left; nothing runs yet that could add to them. */
  start(): void;
  /** One more was removed. */
  added(): void;
  /** Resolves when nothing is being erased; the next start goes on with the rest. */
  close(): Promise<void>;
}

/**
 * What was admitted before the removal may still be stored for as long as a write may wait for its
 * turn (10 s), and would find its function's row gone.
 */
const graceMs = 15_000;
const retryMs = 60_000;
/** Rows that one transaction removes, so that other changes get their turn in between. */
const rowsMax = 200;

export function createProjectRemovals(options: ProjectRemovalsOptions): ProjectRemovals {
  const { store, clock, log } = options;
  let timer: Timer | undefined;
  let running: Promise<void> | undefined;
  let isClosed = false;
  const wait = (delayMs: number): void => {
    if (!isClosed) timer ??= clock.after(delayMs, begin);
  };
  const begin = (): void => {
    timer = undefined;
    if (running !== undefined) return wait(graceMs);
    running = eraseAll().finally(() => (running = undefined));
  };
  const eraseAll = async (): Promise<void> => {
    try {
      for (const { id } of await store.read((reader) => reader.removedProjects())) {
        await eraseProject(options, id, () => isClosed);
      }
    } catch (error) {
      log.warn("cannot erase a removed project yet; trying again", { error: String(error) });
      wait(retryMs);
    }
  };
  return {
    start: begin,
    added: () => wait(graceMs),
    async close() {
      isClosed = true;
      timer?.cancel();
      await running;
    },
  };
}

/** The row of the project goes last: until then the next start finds what is left. */
async function eraseProject(
  { store, databases, log }: ProjectRemovalsOptions,
  id: string,
  isClosed: () => boolean,
): Promise<void> {
  for (;;) {
    if (isClosed()) return;
    if (await store.write((writer) => writer.eraseProjectRows(id, rowsMax))) break;
  }
  await databases?.remove(id);
  await store.write((writer) => writer.deleteProject(id));
  log.info("a removed project is erased", { id });
}
