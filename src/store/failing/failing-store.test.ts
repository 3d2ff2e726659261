import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../base/clock.ts";
import { silentLog } from "../../base/log.ts";
import { openSqliteStore } from "../sqlite/open-sqlite-store.ts";
import { aFunction } from "../testing/store-records.ts";
import { type StoreFixture, storeSuite } from "../store.suite.ts";
import type { StoreWriter } from "../store.ts";
import { type FailingStore, createFailingStore } from "./failing-store.ts";
import { rejectionOf } from "../testing/rejection.ts";

async function createFixture(): Promise<StoreFixture & { readonly store: FailingStore }> {
  const folder = await mkdtemp(join(tmpdir(), "reactor-failing-"));
  const path = join(folder, "store.db");
  const openAgain = async () =>
    createFailingStore(await openSqliteStore({ path, clock: systemClock, log: silentLog }));
  const first = await openAgain();
  let current = first;
  return {
    store: first,
    async reopen() {
      await current.close();
      current = await openAgain();
      return current;
    },
    async dispose() {
      await current.close();
      await rm(folder, { recursive: true });
    },
  };
}

storeSuite("a failing store without faults", createFixture);

describe("a failing store", () => {
  let fixture: Awaited<ReturnType<typeof createFixture>>;
  let store: FailingStore;
  beforeEach(async () => {
    fixture = await createFixture();
    store = fixture.store;
  });
  afterEach(() => fixture.dispose());
  const insert = (writer: StoreWriter) => writer.insertFunction(aFunction());
  const present = () => store.read(async (reader) => (await reader.allFunctions()).length === 1);
  const unavailable = { code: "storage_unavailable" };

  test("fails the N-th read and no other", async () => {
    store.fail({ at: "read", nth: 2 });
    expect(await present()).toBe(false);
    expect(await rejectionOf(present())).toMatchObject(unavailable);
    expect(await present()).toBe(false);
    expect(store.struck).toBe(1);
  });

  test("fails a write before its work runs", async () => {
    store.fail({ at: "write", nth: 1, code: "storage_full" });
    let ran = false;
    const write = store.write(async () => void (ran = true));
    expect(await rejectionOf(write)).toMatchObject({ code: "storage_full" });
    expect(ran).toBe(false);
  });

  test("fails a commit before it is durable: nothing stays", async () => {
    store.fail({ at: "commit_before", nth: 1 });
    expect(await rejectionOf(store.write(insert))).toMatchObject(unavailable);
    expect(await present()).toBe(false);
    await store.write(insert);
    expect(await present()).toBe(true);
  });

  test("fails a commit after it is durable: the change stays though the caller saw an error", async () => {
    store.fail({ at: "commit_after", nth: 1 });
    expect(await rejectionOf(store.write(insert))).toMatchObject(unavailable);
    expect(await present()).toBe(true);
  });

  test("two faults of one kind strike one after the other", async () => {
    store.fail({ at: "write", nth: 1 });
    store.fail({ at: "commit_before", nth: 2 });
    expect(String(await rejectionOf(store.write(insert)))).toContain("(write)");
    expect(String(await rejectionOf(store.write(insert)))).toContain("(commit_before)");
    await store.write(insert);
    expect(store.struck).toBe(2);
  });

  test("breakDown() fails everything until restore()", async () => {
    store.breakDown();
    expect(await rejectionOf(present())).toMatchObject(unavailable);
    expect(await rejectionOf(store.write(insert))).toMatchObject(unavailable);
    store.restore();
    await store.write(insert);
    expect(await present()).toBe(true);
  });
});
