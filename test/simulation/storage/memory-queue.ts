import { ReactorError } from "../../../src/domain/errors.ts";
import { isFinished, type QueuedInvocation } from "../../../src/domain/queue/queued-invocation.ts";
import type { QueueReader, QueueWriter } from "../../../src/store/queue-store.ts";
import { pageOf, revisionCursor, sorted } from "./memory-pages.ts";
import type { MemoryTables } from "./memory-tables.ts";
import { requireKnown, requireNew } from "./memory-rules.ts";

/** Reads of the queue. */
export function queueReads(tables: MemoryTables): QueueReader {
  const all = () => byPosition(tables);
  return {
    queuedInvocation: async (id) => tables.queue.get(id),
    queuedByIdempotency: async (digest) => all().find((record) => record.idempotency === digest),
    async listQueued({ projectId, functionId, state }, page) {
      const below = page.cursor === undefined ? Infinity : revisionCursor(page.cursor);
      const found = all().filter(
        (record) =>
          record.projectId === projectId &&
          (functionId === undefined || record.functionId === functionId) &&
          (state === undefined || record.state === state) &&
          record.position < below,
      );
      return pageOf(found.toReversed(), page, (record) => String(record.position));
    },
    queuePayload: async (id, kind) => tables.queuePayloads.get(`${id}\0${kind}`),
    async queueTallies() {
      const active = all().filter(({ state }) => !isFinished(state));
      return [...Map.groupBy(active, ({ functionId }) => functionId)].map(([functionId, own]) => ({
        functionId,
        count: own.length,
        bytes: own.reduce((sum, { storedBytes }) => sum + storedBytes, 0),
      }));
    },
    queuePosition: async () => all().at(-1)?.position ?? 0,
    nextDueMs: async (functionId) =>
      claimable(tables, functionId)
        .map(({ dueAtMs = Infinity }) => dueAtMs)
        .sort((a, b) => a - b)[0],
    runningQueued: async (owner) =>
      all()
        .filter(({ lease }) => lease?.owner === owner)
        .map(({ id }) => id),
    expiredQueued: async ({ functionId, nowMs, limit }) =>
      all()
        .filter(
          (record) =>
            record.state === "queued" &&
            record.expiresAtMs <= nowMs &&
            (functionId === undefined || record.functionId === functionId),
        )
        .slice(0, limit),
    async queuedBeyond({ finishedBeforeMs, deadBeforeMs, countMax, bytesMax }, limit) {
      const finished = all().filter(({ state }) => isFinished(state));
      const gone: QueuedInvocation[] = [];
      for (const own of Map.groupBy(finished, ({ functionId }) => functionId).values()) {
        let bytes = 0;
        for (const [index, record] of own.toReversed().entries()) {
          bytes += record.storedBytes;
          const before = record.state === "dead" ? deadBeforeMs : finishedBeforeMs;
          const isOld = (record.finishedAtMs ?? 0) < before;
          if (index >= countMax || bytes > bytesMax || isOld) gone.push(record);
        }
      }
      return gone
        .sort((a, b) => a.position - b.position)
        .slice(0, limit)
        .map(({ id }) => id);
    },
    scheduleTicks: async () => sorted([...tables.scheduleTicks.values()], ({ key }) => key),
    platformSecret: async (name) => tables.platformSecrets.get(name),
    platformSecrets: async () =>
      sorted([...tables.platformSecrets], ([name]) => name).map(([name, sealed]) => ({
        name,
        sealed,
      })),
  };
}

/** Changes of the queue. */
export function queueWrites(tables: MemoryTables): Omit<QueueWriter, keyof QueueReader> {
  const { queue, queuePayloads, platformSecrets } = tables;
  const set = (id: string, change: Partial<QueuedInvocation>): void => {
    const record = queue.get(id);
    if (record === undefined) throw new ReactorError("not_found", `no invocation ${id}`);
    queue.set(id, { ...record, ...change });
  };
  return {
    async insertQueued(record, request) {
      requireKnown(tables.projects, record.projectId);
      requireKnown(tables.functions, record.functionId);
      requireNew(queue, (other) => other.id === record.id, "queue.id");
      requireNew(queue, (other) => other.position === record.position, "queue.position");
      const { idempotency } = record;
      if (idempotency !== undefined) {
        requireNew(queue, (other) => other.idempotency === idempotency, "queue.idempotency");
      }
      queue.set(record.id, record);
      queuePayloads.set(`${record.id}\0request`, request);
    },
    async claimQueued({ functionId, nowMs, limit, owner, leaseUntilMs }) {
      const due = claimable(tables, functionId)
        .filter(({ dueAtMs = Infinity }) => dueAtMs <= nowMs)
        .sort((a, b) => (a.dueAtMs ?? 0) - (b.dueAtMs ?? 0) || a.position - b.position)
        .slice(0, limit)
        .sort((a, b) => a.position - b.position);
      return due.map((record) => {
        const claimed: QueuedInvocation = {
          ...record,
          state: "running",
          dueAtMs: undefined,
          attempt: record.attempt + 1,
          tries: record.tries + 1,
          lease: { owner, untilMs: leaseUntilMs },
        };
        queue.set(record.id, claimed);
        return claimed;
      });
    },
    updateQueued: async (id, change) => set(id, change),
    async putQueuePayload(id, kind, bytes) {
      if (bytes === undefined) queuePayloads.delete(`${id}\0${kind}`);
      else queuePayloads.set(`${id}\0${kind}`, bytes);
    },
    async renewLeases(owner, untilMs) {
      for (const record of queue.values()) {
        if (record.lease?.owner === owner) set(record.id, { lease: { owner, untilMs } });
      }
    },
    async takeOverLeases(owner, nowMs) {
      const others = [...queue.values()].filter(
        ({ lease }) => lease !== undefined && lease.owner !== owner,
      );
      for (const { id, tries } of others) {
        set(id, { state: "queued", dueAtMs: nowMs, lease: undefined, tries: tries - 1 });
      }
      return others.length;
    },
    async deleteQueued(ids) {
      for (const id of ids) {
        queue.delete(id);
        for (const kind of ["request", "result"]) queuePayloads.delete(`${id}\0${kind}`);
      }
    },
    async putScheduleTick(tick) {
      requireKnown(tables.functions, tick.functionId);
      tables.scheduleTicks.set(tick.key, tick);
    },
    async deleteScheduleTicks(keys) {
      for (const key of keys) tables.scheduleTicks.delete(key);
    },
    putPlatformSecret: async (name, sealed) => void platformSecrets.set(name, sealed),
  };
}

function byPosition({ queue }: MemoryTables): QueuedInvocation[] {
  return [...queue.values()].sort((a, b) => a.position - b.position);
}

/** Queued ones of the function that no earlier one with their ordering key holds up. */
function claimable(tables: MemoryTables, functionId: string): QueuedInvocation[] {
  const active = byPosition(tables).filter(
    (record) => record.functionId === functionId && !isFinished(record.state),
  );
  return active.filter(
    (record, index) =>
      record.state === "queued" &&
      (record.orderingKey === undefined ||
        active.findIndex(({ orderingKey }) => orderingKey === record.orderingKey) === index),
  );
}
