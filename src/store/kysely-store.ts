import type { Kysely } from "kysely";
import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import { ReactorError } from "../domain/errors.ts";
import { createGroupCommit } from "./group-commit.ts";
import type { Attempt } from "./attempt.ts";
import { createReader } from "./kysely-reader.ts";
import { createWriter } from "./kysely-writer.ts";
import type { Store, StoreSnapshot } from "./store.ts";
import type { Tables } from "./tables.ts";
import { Turns } from "./turns.ts";

export interface KyselyStoreOptions {
  /** Runs every write, one at a time. */
  readonly writer: Kysely<Tables>;
  /** Each runs one read at a time; a dialect with its own pool may appear here several times. */
  readonly readers: readonly Kysely<Tables>[];
  /** What a database error means; undefined for errors that are not the database's. */
  translate(error: unknown, action: string): ReactorError | undefined;
  /** Copies the data to a new file; `closing` aborts when the store closes. */
  snapshot(file: string, closing: AbortSignal): Promise<StoreSnapshot>;
  /** Closes what is below, after the last transaction ended. */
  close(): Promise<void>;
  readonly clock: Clock;
  /** How long a read or a write may wait for its turn. */
  readonly waitMsMax?: number;
}

const waitingMax = 1_000;

/**
 * A control store over any Kysely dialect. A write must not start another write, nor a read another
 * read, from inside: it would wait for itself until `waitMsMax` has passed.
 */
export function createKyselyStore(options: KyselyStoreOptions): Store {
  const { writer, readers, clock, waitMsMax = 10_000 } = options;
  const writes = new Turns({ name: "write", clock, slots: 1, waitingMax, waitMsMax });
  const reads = new Turns({ name: "read", clock, slots: readers.length, waitingMax, waitMsMax });
  const inGroup = createGroupCommit({ db: writer, turns: writes, clock });
  const translated = (error: unknown, action: string): unknown =>
    error instanceof ReactorError ? error : (options.translate(error, action) ?? error);
  const attempt: Attempt = async (action, statement) => {
    try {
      return await statement();
    } catch (error) {
      throw translated(error, action);
    }
  };
  const closed = new AbortController();
  const snapshots = new Turns({ name: "copy", clock, slots: 1, waitingMax, waitMsMax });
  const close = async (): Promise<void> => {
    closed.abort();
    await Promise.all([writes.close(), reads.close(), snapshots.close()]);
    await options.close();
  };
  let closing: Promise<void> | undefined;
  return {
    async read(work) {
      const turn = await reads.take();
      try {
        const reader = readers[turn.slot];
        assert(reader, "there is a reader per slot");
        const transaction = reader
          .transaction()
          .setAccessMode("read only")
          .setIsolationLevel("repeatable read");
        return await transaction.execute((trx) => work(createReader(trx, attempt)));
      } catch (error) {
        throw translated(error, "read the store");
      } finally {
        turn.release();
      }
    },
    async write(work) {
      try {
        return await inGroup(async (trx) => {
          const doom = createDoom(attempt);
          const result = await work(createWriter(trx, doom.attempt));
          doom.check();
          return result;
        });
      } catch (error) {
        throw translated(error, "write the store");
      }
    },
    async snapshot(file) {
      const turn = await snapshots.take();
      try {
        return await options.snapshot(file, closed.signal);
      } catch (error) {
        throw translated(error, "copy the store");
      } finally {
        turn.release();
      }
    },
    close: () => (closing ??= close()),
  };
}

/**
 * A statement that failed dooms its transaction even when the work goes on: PostgreSQL would refuse
 * every later statement, so SQLite must not commit what the other rolls back.
 */
function createDoom(attempt: Attempt): { attempt: Attempt; check(): void } {
  let failure: { readonly error: unknown } | undefined;
  const check = (): void => {
    if (failure) throw failure.error;
  };
  return {
    check,
    async attempt(action, statement) {
      check();
      try {
        return await attempt(action, statement);
      } catch (error) {
        failure ??= { error };
        throw error;
      }
    },
  };
}
