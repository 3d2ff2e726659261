import { type Kysely, sql } from "kysely";
import { ReactorError } from "../domain/errors.ts";
import {
  isFinished,
  type QueuedInvocation,
  type QueuedState,
} from "../domain/queue/queued-invocation.ts";
import type { Attempt } from "./attempt.ts";
import { pageOf, rowsToFetch } from "./fetch-page.ts";
import type { QueueReader, QueueWriter } from "./queue-store.ts";
import { queueRow } from "./record-rows.ts";
import type { Tables } from "./tables.ts";

const finishedStates = ["succeeded", "failed", "dead"];

/** Reads of the queue. */
export function queueReads(db: Kysely<Tables>, attempt: Attempt): QueueReader {
  const rows = () => db.selectFrom("queue").selectAll();
  const one = async (query: ReturnType<typeof rows>): Promise<QueuedInvocation | undefined> => {
    const row = await attempt("read an invocation", () => query.executeTakeFirst());
    return row && queueRow.toRecord(row);
  };
  return {
    queuedInvocation: (id) => one(rows().where("id", "=", id)),
    queuedByIdempotency: (digest) => one(rows().where("idempotency", "=", digest)),
    async listQueued({ projectId, functionId, state }, page) {
      let query = rows().where("project_id", "=", projectId).orderBy("position", "desc");
      if (functionId !== undefined) query = query.where("function_id", "=", functionId);
      if (state !== undefined) query = query.where("state", "=", state);
      if (page.cursor !== undefined) {
        query = query.where("position", "<", positionCursor(page.cursor));
      }
      const found = await attempt("list invocations", () =>
        query.limit(rowsToFetch(page)).execute(),
      );
      return pageOf(found.map(queueRow.toRecord), page, (record) => String(record.position));
    },
    async queuePayload(id, kind) {
      const query = db
        .selectFrom("queue_payloads")
        .select("bytes")
        .where("invocation_id", "=", id)
        .where("kind", "=", kind);
      return (await attempt("read a payload", () => query.executeTakeFirst()))?.bytes;
    },
    ...queueFigures(db, attempt),
    ...outlivedReads(db, attempt),
    async scheduleTicks() {
      const query = db.selectFrom("schedule_ticks").selectAll().orderBy("key");
      const found = await attempt("read schedules", () => query.execute());
      return found.map(({ key, function_id: functionId, last_ms: lastMs }) => ({
        key,
        functionId,
        lastMs,
      }));
    },
    async platformSecret(name) {
      const query = db.selectFrom("platform_secrets").select("sealed").where("name", "=", name);
      return (await attempt("read a platform secret", () => query.executeTakeFirst()))?.sealed;
    },
    platformSecrets: () =>
      attempt("read the platform secrets", () =>
        db.selectFrom("platform_secrets").selectAll().orderBy("name").execute(),
      ),
  };
}

/** What is counted, due or running. */
function queueFigures(
  db: Kysely<Tables>,
  attempt: Attempt,
): Pick<QueueReader, "queueTallies" | "queuePosition" | "nextDueMs" | "runningQueued"> {
  return {
    async queueTallies() {
      const query = db
        .selectFrom("queue")
        .select(({ fn }) => [
          "function_id",
          fn.countAll<number>().as("count"),
          fn.sum<number>("stored_bytes").as("bytes"),
        ])
        .where("state", "in", ["queued", "running"])
        .groupBy("function_id");
      const found = await attempt("count the queue", () => query.execute());
      return found.map(({ function_id: functionId, count, bytes }) => ({
        functionId,
        count,
        bytes,
      }));
    },
    async queuePosition() {
      const query = db.selectFrom("queue").select(({ fn }) => fn.max("position").as("last"));
      const row = await attempt("read the queue's end", () => query.executeTakeFirst());
      return row?.last ?? 0;
    },
    async nextDueMs(functionId) {
      const query = claimable(db, functionId).select("due_at_ms").orderBy("due_at_ms").limit(1);
      const row = await attempt("find what is due next", () => query.executeTakeFirst());
      return row?.due_at_ms ?? undefined;
    },
    async runningQueued(owner) {
      const query = db
        .selectFrom("queue")
        .select("id")
        .where("state", "=", "running")
        .where("lease_owner", "=", owner)
        .orderBy("position");
      return (await attempt("read what runs", () => query.execute())).map(({ id }) => id);
    },
  };
}

/** What is too old or too much. */
function outlivedReads(
  db: Kysely<Tables>,
  attempt: Attempt,
): Pick<QueueReader, "expiredQueued" | "queuedBeyond"> {
  return {
    async expiredQueued({ functionId, nowMs, limit }) {
      let query = db.selectFrom("queue").selectAll().where("state", "=", "queued");
      if (functionId !== undefined) query = query.where("function_id", "=", functionId);
      query = query.where("expires_at_ms", "<=", nowMs).orderBy("position").limit(limit);
      const found = await attempt("find what is too old", () => query.execute());
      return found.map(queueRow.toRecord);
    },
    async queuedBeyond({ finishedBeforeMs, deadBeforeMs, countMax, bytesMax }, limit) {
      const { rows } = await attempt("find invocations to remove", () =>
        sql<{ id: string }>`select id from (
            select id, state, finished_at_ms, position,
              row_number() over w as nth,
              sum(stored_bytes) over w as bytes
            from queue where state in (${sql.join(finishedStates)})
            window w as (partition by function_id order by position desc)
          ) as finished
          where nth > ${countMax} or bytes > ${bytesMax}
            or finished_at_ms < case when state = 'dead' then ${deadBeforeMs}
              else ${finishedBeforeMs} end
          order by position limit ${limit}`.execute(db),
      );
      return rows.map(({ id }) => id);
    },
  };
}

/** Queued ones of the function that no earlier one with their ordering key holds up. */
function claimable(db: Kysely<Tables>, functionId: string) {
  return db
    .selectFrom("queue")
    .where("function_id", "=", functionId)
    .where("due_at_ms", "is not", null)
    .where(
      sql<boolean>`(queue.holding_key is null or not exists (
        select 1 from queue as earlier where earlier.function_id = queue.function_id
          and earlier.holding_key = queue.holding_key and earlier.position < queue.position))`,
    );
}

/** Changes of the queue. */
export function queueWrites(
  db: Kysely<Tables>,
  attempt: Attempt,
): Omit<QueueWriter, keyof QueueReader> {
  return {
    insertQueued: (record, request) =>
      attempt(`queue invocation "${record.id}"`, async () => {
        await db.insertInto("queue").values(queueRow.toRow(record)).execute();
        const payload = { invocation_id: record.id, kind: "request", bytes: request };
        await db.insertInto("queue_payloads").values(payload).execute();
      }),
    claimQueued: (claim) => attempt("claim invocations", () => claimDue(db, claim)),
    updateQueued: (id, change) =>
      attempt(`update invocation "${id}"`, async () => {
        const set = columnsOf(change);
        if (Object.keys(set).length === 0) return;
        const query = db
          .updateTable("queue")
          .set((eb) => ({ ...set, ...holdingKey(change.state, eb.ref("ordering_key")) }))
          .where("id", "=", id);
        const { numUpdatedRows } = await query.executeTakeFirstOrThrow();
        if (numUpdatedRows === 0n) throw invocationMissing(id);
      }),
    putQueuePayload: (id, kind, bytes) =>
      attempt(`store the ${kind} of invocation "${id}"`, async () => {
        await db
          .deleteFrom("queue_payloads")
          .where("invocation_id", "=", id)
          .where("kind", "=", kind)
          .execute();
        if (bytes === undefined) return;
        await db.insertInto("queue_payloads").values({ invocation_id: id, kind, bytes }).execute();
      }),
    ...leaseWrites(db, attempt),
    deleteQueued: (ids) =>
      attempt("remove invocations", async () => {
        if (ids.length === 0) return;
        await db.deleteFrom("queue_payloads").where("invocation_id", "in", ids).execute();
        await db.deleteFrom("queue").where("id", "in", ids).execute();
      }),
    putScheduleTick: ({ key, functionId, lastMs }) =>
      attempt("note a schedule's tick", async () => {
        await db
          .insertInto("schedule_ticks")
          .values({ key, function_id: functionId, last_ms: lastMs })
          .onConflict((conflict) => conflict.column("key").doUpdateSet({ last_ms: lastMs }))
          .execute();
      }),
    deleteScheduleTicks: (keys) =>
      attempt("forget schedules", async () => {
        if (keys.length === 0) return;
        await db.deleteFrom("schedule_ticks").where("key", "in", keys).execute();
      }),
    putPlatformSecret: (name, sealed) =>
      attempt(`store the platform secret "${name}"`, async () => {
        await db
          .insertInto("platform_secrets")
          .values({ name, sealed })
          .onConflict((conflict) => conflict.column("name").doUpdateSet({ sealed }))
          .execute();
      }),
  };
}

function leaseWrites(
  db: Kysely<Tables>,
  attempt: Attempt,
): Pick<QueueWriter, "renewLeases" | "takeOverLeases"> {
  return {
    renewLeases: (owner, untilMs) =>
      attempt("renew leases", async () => {
        await db
          .updateTable("queue")
          .set({ lease_until_ms: untilMs })
          .where("state", "=", "running")
          .where("lease_owner", "=", owner)
          .execute();
      }),
    takeOverLeases: (owner, nowMs) =>
      attempt("take over leases", async () => {
        const { numUpdatedRows } = await db
          .updateTable("queue")
          .set((eb) => ({
            state: "queued",
            due_at_ms: nowMs,
            lease_owner: null,
            lease_until_ms: null,
            tries: eb("tries", "-", 1),
          }))
          .where("state", "=", "running")
          .where("lease_owner", "!=", owner)
          .executeTakeFirstOrThrow();
        return Number(numUpdatedRows);
      }),
  };
}

async function claimDue(
  db: Kysely<Tables>,
  { functionId, nowMs, limit, owner, leaseUntilMs }: Parameters<QueueWriter["claimQueued"]>[0],
): Promise<readonly QueuedInvocation[]> {
  const due = await claimable(db, functionId)
    .select("id")
    .where("due_at_ms", "<=", nowMs)
    .orderBy("due_at_ms")
    .orderBy("position")
    .limit(limit)
    .execute();
  if (due.length === 0) return [];
  const rows = await db
    .updateTable("queue")
    .set((eb) => ({
      state: "running",
      due_at_ms: null,
      attempt: eb("attempt", "+", 1),
      tries: eb("tries", "+", 1),
      lease_owner: owner,
      lease_until_ms: leaseUntilMs,
    }))
    .where(
      "id",
      "in",
      due.map(({ id }) => id),
    )
    .returningAll()
    .execute();
  return rows.map(queueRow.toRecord).sort((a, b) => a.position - b.position);
}

function columnsOf(change: Parameters<QueueWriter["updateQueued"]>[1]) {
  const set: Partial<Tables["queue"]> = {};
  if (change.state !== undefined) set.state = change.state;
  if ("dueAtMs" in change) set.due_at_ms = change.dueAtMs ?? null;
  if (change.expiresAtMs !== undefined) set.expires_at_ms = change.expiresAtMs;
  if ("finishedAtMs" in change) set.finished_at_ms = change.finishedAtMs ?? null;
  if (change.tries !== undefined) set.tries = change.tries;
  if ("lease" in change) {
    set.lease_owner = change.lease?.owner ?? null;
    set.lease_until_ms = change.lease?.untilMs ?? null;
  }
  if (change.storedBytes !== undefined) set.stored_bytes = change.storedBytes;
  if ("revision" in change) set.revision = change.revision ?? null;
  if ("status" in change) set.status = change.status ?? null;
  if ("errorCode" in change) set.error_code = change.errorCode ?? null;
  return set;
}

/** What is finished holds up nobody. */
function holdingKey<K>(state: QueuedState | undefined, key: K): { holding_key?: K | null } {
  if (state === undefined) return {};
  return { holding_key: isFinished(state) ? null : key };
}

function invocationMissing(id: string): ReactorError {
  return new ReactorError("not_found", `Cannot update invocation "${id}": none has this id`);
}

function positionCursor(cursor: string): number {
  if (/^[1-9][0-9]{0,14}$/.test(cursor)) return Number(cursor);
  throw new ReactorError(
    "invalid_request",
    `Cannot list invocations after cursor ${JSON.stringify(cursor.slice(0, 40))}: it must be the nextCursor of an earlier page`,
  );
}
