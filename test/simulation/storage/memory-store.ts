import type { Clock } from "../../../src/base/clock.ts";
import { ReactorError } from "../../../src/domain/errors.ts";
import type { Store, StoreReader, StoreWriter } from "../../../src/store/store.ts";
import { createMemoryReader } from "./memory-reader.ts";
import { copyTables, newTables, type MemoryTables } from "./memory-tables.ts";
import { createMemoryWriter } from "./memory-writer.ts";

/** What outlives every process: the state that was committed last. */
export interface MemoryDisk {
  tables: MemoryTables;
}

export function createMemoryDisk(): MemoryDisk {
  return { tables: newTables() };
}

export interface MemoryStoreOptions {
  readonly disk: MemoryDisk;
  readonly clock: Clock;
  /** How long the next step of a transaction takes. */
  readonly delayMs: () => number;
  /** True once the process that holds the store is gone: nothing of it commits any more. */
  readonly isGone: () => boolean;
}

const never = new Promise<never>(() => {});

/**
 * A control store without files: writes one after another on a copy that replaces the state whole,
 * reads of one state. Passes the store suite. Each transaction takes time before its work, and
 * a write also before and after its commit, so that a stop may fall between any two of them.
 */
export function createMemoryStore(options: MemoryStoreOptions): Store {
  const { disk, clock, delayMs, isGone } = options;
  let tail: Promise<unknown> = Promise.resolve();
  let closed = false;
  const pause = async (): Promise<void> => {
    const ms = delayMs();
    if (ms > 0) await clock.sleep(ms);
    if (isGone()) await never;
  };
  const refuseClosed = (): void => {
    if (closed) throw new ReactorError("storage_unavailable", "Cannot use the store: it is closed");
  };
  const commit = async <T>(work: (writer: StoreWriter) => Promise<T>): Promise<T> => {
    await pause();
    const tables = copyTables(disk.tables);
    const statements = statementsOf(createMemoryWriter(tables));
    const result = await work(statements.proxy).finally(() => statements.end());
    statements.check();
    await pause();
    disk.tables = tables;
    await pause();
    return result;
  };
  return {
    async read(work) {
      refuseClosed();
      await pause();
      const statements = statementsOf(createMemoryReader(disk.tables));
      const result = await work(statements.proxy).finally(() => statements.end());
      if (isGone()) await never;
      return result;
    },
    async write(work) {
      refuseClosed();
      const turn = tail.then(() => commit(work));
      tail = turn.catch(() => undefined);
      return turn;
    },
    snapshot: (file) =>
      Promise.reject(
        new ReactorError("invalid_request", `Cannot copy to ${file}: the memory store has no file`),
      ),
    async close() {
      closed = true;
      await tail;
    },
  };
}

/** Statements of one transaction, which end with it. */
interface Statements<T> {
  readonly proxy: T;
  /** Throws what the first failed statement threw: it dooms its transaction even when the work goes on. */
  check(): void;
  end(): void;
}

function statementsOf<T extends StoreReader>(target: T): Statements<T> {
  let failure: { readonly error: unknown } | undefined;
  let ended = false;
  const check = (): void => {
    if (failure !== undefined) throw failure.error;
  };
  const proxy = new Proxy(target, {
    get: (_target, name) => {
      const statement: unknown = Reflect.get(target, name);
      if (typeof statement !== "function") return statement;
      return async (...values: unknown[]) => {
        if (ended) throw new Error("The transaction is over");
        check();
        try {
          return await Reflect.apply(statement, target, values);
        } catch (error) {
          failure ??= { error };
          throw error;
        }
      };
    },
  });
  return { proxy, check, end: () => void (ended = true) };
}
