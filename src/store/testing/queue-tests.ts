import { expect, test } from "bun:test";
import type { QueuedInvocation } from "../../domain/queue/queued-invocation.ts";
import type { Store } from "../store.ts";
import { allPages } from "./all-pages.ts";
import { codeOf } from "./code-of.ts";
import { aFunction, aQueued, atMs } from "./store-records.ts";

const request = Buffer.from("sealed request");

/** What every store must do with queued invocations. */
export function queueTests(store: () => Store): void {
  const insert = (...records: readonly QueuedInvocation[]): Promise<void> =>
    store().write(async (writer) => {
      if ((await writer.functionById("fn_1")) === undefined) {
        await writer.insertFunction(aFunction());
        await writer.insertFunction(aFunction({ id: "fn_2", name: "two", slug: "two" }));
      }
      for (const record of records) await writer.insertQueued(record, request);
    });
  const claim = async (nowMs = atMs, limit = 10, owner = "srv_1"): Promise<readonly string[]> => {
    const lease = { owner, leaseUntilMs: nowMs + 1000 };
    const claimed = await store().write((writer) =>
      writer.claimQueued({ functionId: "fn_1", nowMs, limit, ...lease }),
    );
    return claimed.map(({ id }) => id);
  };
  const found = (id: string) => store().read((reader) => reader.queuedInvocation(id));
  const finish = (id: string, state: QueuedInvocation["state"] = "succeeded"): Promise<void> =>
    store().write((writer) =>
      writer.updateQueued(id, { state, finishedAtMs: atMs, lease: undefined, dueAtMs: undefined }),
    );

  keepingTests(store, insert);
  claimingTests(store, { insert, claim, found, finish });
  retentionTests(store, { insert, finish });
}

function keepingTests(
  store: () => Store,
  insert: (...records: readonly QueuedInvocation[]) => Promise<void>,
): void {
  test("a queued invocation is kept with its request, and given back as it was", async () => {
    const record = aQueued(1, { orderingKey: "order-1", idempotency: "d1", fingerprint: "f" });
    await insert(record);
    await store().read(async (reader) => {
      expect(await reader.queuedInvocation("inv_1")).toStrictEqual(record);
      expect(await reader.queuedByIdempotency("d1")).toStrictEqual(record);
      expect(await reader.queuedByIdempotency("d2")).toBeUndefined();
      expect(Buffer.from((await reader.queuePayload("inv_1", "request")) ?? [])).toEqual(request);
      expect(await reader.queuePayload("inv_1", "result")).toBeUndefined();
    });
  });

  test("an idempotency digest and a position are there once", async () => {
    await insert(aQueued(1, { idempotency: "d1" }));
    expect(await codeOf(insert(aQueued(2, { idempotency: "d1" })))).toBe("conflict");
    expect(await codeOf(insert(aQueued(3, { position: 1 })))).toBe("conflict");
    expect(await store().read((reader) => reader.queuePosition())).toBe(1);
  });

  test("payloads are replaced and removed, and go with their invocation", async () => {
    await insert(aQueued(1));
    const payloads = () =>
      store().read(async (reader) => [
        await reader.queuePayload("inv_1", "request"),
        await reader.queuePayload("inv_1", "result"),
      ]);
    await store().write(async (writer) => {
      await writer.putQueuePayload("inv_1", "request", undefined);
      await writer.putQueuePayload("inv_1", "result", Buffer.from("first"));
      await writer.putQueuePayload("inv_1", "result", Buffer.from("second"));
    });
    const [gone, result] = await payloads();
    expect([gone, Buffer.from(result ?? []).toString()]).toEqual([undefined, "second"]);
    await store().write((writer) => writer.deleteQueued(["inv_1"]));
    expect(await payloads()).toEqual([undefined, undefined]);
  });

  test("listQueued() pages newest first, by project, function and state", async () => {
    await insert(aQueued(1), aQueued(2, { functionId: "fn_2" }), aQueued(3), aQueued(4));
    await store().write((writer) => writer.updateQueued("inv_4", { state: "dead" }));
    const list = (functionId: string | undefined, state: QueuedInvocation["state"] | undefined) =>
      allPages((cursor) =>
        store().read((reader) =>
          reader.listQueued({ projectId: "default", functionId, state }, { limit: 2, cursor }),
        ),
      );
    const ids = (pages: readonly (readonly QueuedInvocation[])[]) =>
      pages.map((page) => page.map(({ id }) => id));
    expect(ids(await list(undefined, undefined))).toEqual([
      ["inv_4", "inv_3"],
      ["inv_2", "inv_1"],
    ]);
    expect(ids(await list("fn_1", "queued"))).toEqual([["inv_3", "inv_1"]]);
    expect(ids(await list("fn_1", "dead"))).toEqual([["inv_4"]]);
  });

  test("up to when a schedule's ticks were dealt with is kept and replaced", async () => {
    await insert(aQueued(1));
    const ticks = () => store().read((reader) => reader.scheduleTicks());
    await store().write(async (writer) => {
      for (const lastMs of [1, 2]) {
        await writer.putScheduleTick({ key: "s1", functionId: "fn_1", lastMs });
      }
      await writer.putScheduleTick({ key: "s2", functionId: "fn_1", lastMs: 3 });
    });
    expect(await ticks()).toEqual([
      { key: "s1", functionId: "fn_1", lastMs: 2 },
      { key: "s2", functionId: "fn_1", lastMs: 3 },
    ]);
    await store().write((writer) => writer.deleteScheduleTicks(["s1"]));
    expect((await ticks()).map(({ key }) => key)).toEqual(["s2"]);
  });

  test("platform secrets are kept by name and replaced", async () => {
    await store().write(async (writer) => {
      await writer.putPlatformSecret("queue", "rs1.m1.aaa");
      await writer.putPlatformSecret("queue", "rs1.m2.bbb");
    });
    await store().read(async (reader) => {
      expect(await reader.platformSecret("queue")).toBe("rs1.m2.bbb");
      expect(await reader.platformSecret("other")).toBeUndefined();
      expect(await reader.platformSecrets()).toEqual([{ name: "queue", sealed: "rs1.m2.bbb" }]);
    });
  });
}

interface Claiming {
  readonly insert: (...records: readonly QueuedInvocation[]) => Promise<void>;
  readonly claim: (nowMs?: number, limit?: number, owner?: string) => Promise<readonly string[]>;
  readonly found: (id: string) => Promise<QueuedInvocation | undefined>;
  readonly finish: (id: string, state?: QueuedInvocation["state"]) => Promise<void>;
}

function claimingTests(store: () => Store, { insert, claim, found, finish }: Claiming): void {
  const nextDue = () => store().read((reader) => reader.nextDueMs("fn_1"));

  test("claimQueued() takes what is due, once, and counts the attempt under a lease", async () => {
    await insert(
      aQueued(1),
      aQueued(2, { dueAtMs: atMs + 500 }),
      aQueued(3, { functionId: "fn_2" }),
    );
    expect(await claim()).toEqual(["inv_1"]);
    expect(await claim()).toEqual([]);
    expect(await nextDue()).toBe(atMs + 500);
    const lease = { owner: "srv_1", untilMs: atMs + 1000 };
    const running = { state: "running", attempt: 1, tries: 1, dueAtMs: undefined, lease } as const;
    expect(await found("inv_1")).toStrictEqual({ ...aQueued(1), ...running });
    expect(await claim(atMs + 500)).toEqual(["inv_2"]);
    expect(await nextDue()).toBeUndefined();
  });

  test("claimQueued() takes at most its limit, those that were due first", async () => {
    await insert(aQueued(1, { dueAtMs: atMs - 1 }), aQueued(2, { dueAtMs: atMs - 5 }), aQueued(3));
    expect(await claim(atMs, 2)).toEqual(["inv_1", "inv_2"]);
    expect(await claim(atMs, 2)).toEqual(["inv_3"]);
  });

  test("of one ordering key only the first that is not finished is claimed", async () => {
    const key = { orderingKey: "k" };
    await insert(aQueued(1, { ...key, dueAtMs: atMs + 50 }), aQueued(2, key), aQueued(3, key));
    await insert(aQueued(4, { orderingKey: "other" }), aQueued(5));
    expect(await claim()).toEqual(["inv_4", "inv_5"]);
    expect(await nextDue()).toBe(atMs + 50);
    expect(await claim(atMs + 50)).toEqual(["inv_1"]);
    expect(await claim(atMs + 50)).toEqual([]);
    await finish("inv_1");
    expect(await claim(atMs + 50)).toEqual(["inv_2"]);
    await finish("inv_2", "dead");
    expect(await claim(atMs + 50)).toEqual(["inv_3"]);
  });

  test("what is put back into the queue holds its ordering key again", async () => {
    const key = { orderingKey: "k" };
    await insert(aQueued(1, key), aQueued(2, key));
    await claim();
    await finish("inv_1", "dead");
    await store().write((writer) =>
      writer.updateQueued("inv_1", { state: "queued", dueAtMs: atMs, finishedAtMs: undefined }),
    );
    expect(await claim()).toEqual(["inv_1"]);
  });

  test("takeOverLeases() puts back what others run, and such an attempt does not count", async () => {
    await insert(aQueued(1), aQueued(2));
    await claim(atMs, 1, "srv_dead");
    await claim(atMs, 1, "srv_1");
    const running = (owner: string) => store().read((reader) => reader.runningQueued(owner));
    expect([await running("srv_1"), await running("srv_dead")]).toEqual([["inv_2"], ["inv_1"]]);
    const taken = () => store().write((writer) => writer.takeOverLeases("srv_1", atMs + 9));
    expect([await taken(), await taken()]).toEqual([1, 0]);
    const back = { attempt: 1, tries: 0, dueAtMs: atMs + 9 };
    expect(await found("inv_1")).toStrictEqual({ ...aQueued(1), ...back });
    expect((await found("inv_2"))?.state).toBe("running");
    await store().write((writer) => writer.renewLeases("srv_1", atMs + 5000));
    expect((await found("inv_2"))?.lease).toEqual({ owner: "srv_1", untilMs: atMs + 5000 });
    expect((await found("inv_1"))?.lease).toBeUndefined();
  });
}

function retentionTests(
  store: () => Store,
  { insert, finish }: Pick<Claiming, "insert" | "finish">,
): void {
  test("queueTallies() counts what is queued or running, per function", async () => {
    await insert(aQueued(1, { storedBytes: 5 }), aQueued(2, { storedBytes: 7 }), aQueued(3));
    await insert(aQueued(4, { functionId: "fn_2", storedBytes: 1 }));
    await finish("inv_3");
    const tallies = await store().read((reader) => reader.queueTallies());
    expect(tallies.toSorted((a, b) => a.functionId.localeCompare(b.functionId))).toEqual([
      { functionId: "fn_1", count: 2, bytes: 12 },
      { functionId: "fn_2", count: 1, bytes: 1 },
    ]);
  });

  test("expiredQueued() finds what waits beyond its time and nothing that runs or is finished", async () => {
    const old = { expiresAtMs: atMs - 1 };
    await insert(aQueued(1, old), aQueued(2), aQueued(3, old), aQueued(4, old));
    await insert(aQueued(5, { ...old, functionId: "fn_2" }));
    await finish("inv_3");
    await store().write((writer) => writer.updateQueued("inv_4", { state: "running" }));
    const expired = async (functionId: string | undefined) => {
      const of = { functionId, nowMs: atMs, limit: 10 };
      return (await store().read((reader) => reader.expiredQueued(of))).map(({ id }) => id);
    };
    expect(await expired(undefined)).toEqual(["inv_1", "inv_5"]);
    expect(await expired("fn_1")).toEqual(["inv_1"]);
  });

  test("queuedBeyond() finds finished ones that are old, too many or too large, never others", async () => {
    await insert(...Array.from({ length: 6 }, (_, n) => aQueued(n + 1, { storedBytes: 10 })));
    for (const id of ["inv_1", "inv_2", "inv_3", "inv_4"]) await finish(id);
    await finish("inv_2", "dead");
    const bounds = { finishedBeforeMs: 0, deadBeforeMs: 0, countMax: 100, bytesMax: 1000 };
    const beyond = (change: Partial<typeof bounds>, limit = 10) =>
      store().read((reader) => reader.queuedBeyond({ ...bounds, ...change }, limit));
    expect(await beyond({})).toEqual([]);
    expect(await beyond({ countMax: 3 })).toEqual(["inv_1"]);
    expect(await beyond({ bytesMax: 25 })).toEqual(["inv_1", "inv_2"]);
    expect(await beyond({ finishedBeforeMs: atMs + 1 })).toEqual(["inv_1", "inv_3", "inv_4"]);
    expect(await beyond({ deadBeforeMs: atMs + 1 })).toEqual(["inv_2"]);
    expect(await beyond({ countMax: 0 }, 2)).toEqual(["inv_1", "inv_2"]);
  });
}
