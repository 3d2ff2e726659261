import { type ControlledTransaction, type Kysely, sql } from "kysely";
import type { Clock } from "../base/clock.ts";
import { createDeferred } from "../base/deferred.ts";
import type { Tables } from "./tables.ts";
import type { Turns } from "./turns.ts";

/** The most writes that share one commit. */
const membersMax = 64;
/** How long the first of them may wait for the others. */
const groupMsMax = 25;

export interface GroupCommitOptions {
  readonly db: Kysely<Tables>;
  /** One slot: whoever has the turn runs alone. */
  readonly turns: Turns;
  readonly clock: Clock;
}

interface Group {
  readonly trx: ControlledTransaction<Tables>;
  readonly startedMs: number;
  members: number;
  /** Settles with the commit; undefined when it is durable. */
  readonly end: Promise<{ readonly error: unknown } | undefined>;
  settle(failure: { readonly error: unknown } | undefined): void;
}

/**
 * Runs writes one after another and lets those that wait at the same time share one commit, and with
 * it one sync of the disk. Each is a savepoint of its own: one that fails takes nothing of the others
 * with it. None is answered, not even with its own failure, before the commit is durable, since it
 * saw what the ones before it wrote; a commit that fails fails them all.
 */
export function createGroupCommit({ db, turns, clock }: GroupCommitOptions) {
  let open: Group | undefined;

  const begin = async (): Promise<Group> => {
    const trx = await db.startTransaction().execute();
    const ended = createDeferred<{ readonly error: unknown } | undefined>();
    return {
      trx,
      startedMs: clock.monotonicMs(),
      members: 0,
      end: ended.promise,
      settle: (failure) => ended.resolve(failure),
    };
  };
  const commit = async (group: Group): Promise<void> => {
    open = undefined;
    try {
      await group.trx.commit().execute();
      group.settle(undefined);
    } catch (error) {
      await abandon(group, error);
    }
  };
  const abandon = async (group: Group, error: unknown): Promise<void> => {
    open = undefined;
    try {
      if (!group.trx.isRolledBack) await group.trx.rollback().execute();
    } finally {
      group.settle({ error });
    }
  };
  const isDue = (group: Group): boolean =>
    turns.waiting === 0 ||
    group.members >= membersMax ||
    clock.monotonicMs() - group.startedMs >= groupMsMax;

  return async <T>(work: (trx: Kysely<Tables>) => Promise<T>): Promise<T> => {
    const turn = await turns.take();
    let group: Group;
    let outcome: Outcome<T>;
    try {
      group = open ??= await begin();
      group.members += 1;
      outcome = await inSavepoint(group.trx, work);
      if (outcome.kind === "lost") await abandon(group, outcome.error);
      else if (isDue(group)) await commit(group);
    } finally {
      turn.release();
    }
    const failure = await group.end;
    if (failure !== undefined) throw failure.error;
    if (outcome.kind === "done") return outcome.value;
    throw outcome.error;
  };
}

type Outcome<T> =
  | { readonly kind: "done"; readonly value: T }
  /** Its own changes are undone. */
  | { readonly kind: "failed"; readonly error: unknown }
  /** The database undid the whole transaction, as SQLite does when the disk is full. */
  | { readonly kind: "lost"; readonly error: unknown };

async function inSavepoint<T>(
  trx: ControlledTransaction<Tables>,
  work: (trx: Kysely<Tables>) => Promise<T>,
): Promise<Outcome<T>> {
  try {
    await sql`savepoint one_write`.execute(trx);
    const value = await work(trx);
    await sql`release savepoint one_write`.execute(trx);
    return { kind: "done", value };
  } catch (error) {
    try {
      await sql`rollback to savepoint one_write`.execute(trx);
      await sql`release savepoint one_write`.execute(trx);
    } catch {
      // There is no transaction any more; why is what the write's own failure says.
      return { kind: "lost", error };
    }
    return { kind: "failed", error };
  }
}
