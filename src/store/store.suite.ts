import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createDeferred } from "../base/deferred.ts";
import type { Store } from "./store.ts";
import { codeOf } from "./testing/code-of.ts";
import { deploymentTests } from "./testing/deployment-tests.ts";
import { functionTests } from "./testing/function-tests.ts";
import { policyTests } from "./testing/policy-tests.ts";
import { queueTests } from "./testing/queue-tests.ts";
import { removalTests } from "./testing/removal-tests.ts";
import { settingTests } from "./testing/setting-tests.ts";
import { aDeployment, aFunction, anEnv } from "./testing/store-records.ts";
import { rejectionOf } from "./testing/rejection.ts";

/** One store under test. */
export interface StoreFixture {
  readonly store: Store;
  /** Closes the store and opens the same data again, as after a restart. */
  reopen(): Promise<Store>;
  dispose(): Promise<void>;
}

/** What every control store must do. */
export function storeSuite(name: string, create: () => Promise<StoreFixture>): void {
  describe(`${name} as a store`, () => {
    let fixture: StoreFixture;
    let store: Store;
    beforeEach(async () => {
      fixture = await create();
      store = fixture.store;
    });
    afterEach(() => fixture.dispose());
    const reached = (): Store => store;
    const reopened = (): Promise<Store> => fixture.reopen();

    functionTests(reached);
    deploymentTests(reached);
    settingTests(reached);
    policyTests(reached);
    queueTests(reached);
    removalTests(reached);
    transactionTests(reached);
    concurrencyTests(reached);
    restartTests(reached, reopened);
  });
}

function transactionTests(store: () => Store): void {
  const names = async (): Promise<string[]> =>
    (await store().read((reader) => reader.allFunctions())).map((record) => record.name);

  test("write() rolls everything back when its work throws, and passes the error on", async () => {
    const bug = new Error("from the work");
    const write = store().write(async (writer) => {
      await writer.insertFunction(aFunction());
      expect(await writer.nextRevision("fn_1")).toBe(1);
      throw bug;
    });
    expect(await rejectionOf(write)).toBe(bug);
    expect(await names()).toEqual([]);
  });

  test("write() returns what its work returned", async () => {
    expect(await store().write(async () => ({ answer: 42 }))).toEqual({ answer: 42 });
  });

  test("a write sees its own changes", async () => {
    const seen = await store().write(async (writer) => {
      await writer.insertFunction(aFunction());
      return writer.functionById("fn_1");
    });
    expect(seen).toStrictEqual(aFunction());
  });

  test("a failed statement dooms its transaction even when the work goes on", async () => {
    await store().write((writer) => writer.insertFunction(aFunction()));
    const write = store().write(async (writer) => {
      await writer.insertFunction(aFunction({ id: "fn_2", name: "b", slug: "b" }));
      await codeOf(writer.insertFunction(aFunction({ id: "fn_3" })));
      return "went on";
    });
    expect(await codeOf(write)).toBe("conflict");
    expect(await names()).toEqual(["hello"]);
  });

  test("a failed write leaves the store able to write", async () => {
    await codeOf(store().write(() => Promise.reject(new Error("no"))));
    await store().write((writer) => writer.insertFunction(aFunction()));
    expect(await names()).toEqual(["hello"]);
  });

  test("a reader or writer kept beyond its transaction is refused", async () => {
    const kept = await store().write(async (writer) => writer);
    expect(await rejectionOf(kept.insertFunction(aFunction()))).toBeInstanceOf(Error);
    expect(await names()).toEqual([]);
  });
}

function concurrencyTests(store: () => Store): void {
  test("reads see committed state only, and go on while a write is open", async () => {
    const inserted = createDeferred<void>();
    const finish = createDeferred<void>();
    const write = store().write(async (writer) => {
      await writer.insertFunction(aFunction());
      inserted.resolve();
      await finish.promise;
    });
    await inserted.promise;
    const seen = () => store().read((reader) => reader.functionById("fn_1"));
    expect(await seen()).toBeUndefined();
    finish.resolve();
    await write;
    expect(await seen()).toBeDefined();
  });

  test("one read sees one state, whatever is committed meanwhile", async () => {
    const counts = await store().read(async (reader) => {
      const before = (await reader.allFunctions()).length;
      await store().write((writer) => writer.insertFunction(aFunction()));
      return [before, (await reader.allFunctions()).length];
    });
    expect(counts).toEqual([0, 0]);
  });

  test("writes run one after another in the order they came", async () => {
    const order: string[] = [];
    const write = (name: string) =>
      store().write(async (writer) => {
        order.push(`${name} begins`);
        await writer.functionById("fn_1");
        await Promise.resolve();
        order.push(`${name} ends`);
      });
    await Promise.all([write("a"), write("b"), write("c")]);
    const expected = ["a", "b", "c"].flatMap((name) => [`${name} begins`, `${name} ends`]);
    expect(order).toEqual(expected);
  });

  test("50 deploys at once get 50 different numbers", async () => {
    await store().write((writer) => writer.insertFunction(aFunction()));
    const revisions = await Promise.all(
      Array.from({ length: 50 }, () =>
        store().write(async (writer) => {
          const revision = await writer.nextRevision("fn_1");
          await writer.insertDeployment(aDeployment({ revision }));
          return revision;
        }),
      ),
    );
    expect(revisions).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
  });
}

function restartTests(store: () => Store, reopen: () => Promise<Store>): void {
  test("everything acknowledged is there after the store is opened again", async () => {
    await store().write(async (writer) => {
      await writer.insertFunction(aFunction());
      await writer.insertDeployment(aDeployment({ revision: await writer.nextRevision("fn_1") }));
      await writer.putEnv(anEnv());
    });
    const again = await reopen();
    await again.read(async (reader) => {
      expect(await reader.functionById("fn_1")).toStrictEqual(aFunction());
      expect(await reader.deployment("dep_1")).toStrictEqual(aDeployment());
      expect(await reader.envOf("default", "fn_1")).toStrictEqual([anEnv()]);
    });
    expect(await again.write((writer) => writer.nextRevision("fn_1"))).toBe(2);
  });

  test("a closed store refuses with storage_unavailable", async () => {
    await store().close();
    expect(await codeOf(store().read((reader) => reader.projects()))).toBe("storage_unavailable");
    expect(await codeOf(store().write(async () => 1))).toBe("storage_unavailable");
  });

  test("close() waits for the write that is running", async () => {
    const entered = createDeferred<void>();
    const finish = createDeferred<void>();
    const write = store().write(async (writer) => {
      entered.resolve();
      await finish.promise;
      await writer.insertFunction(aFunction());
    });
    await entered.promise;
    const closing = store().close();
    finish.resolve();
    await Promise.all([write, closing]);
    const again = await reopen();
    expect(await again.read((reader) => reader.functionById("fn_1"))).toBeDefined();
  });
}
