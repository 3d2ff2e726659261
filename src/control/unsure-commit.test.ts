import { expect, test } from "bun:test";
import { createFailingStore, type FailingStore } from "../store/failing/failing-store.ts";
import { refusal } from "./testing/refusal.ts";
import { ref, TestPlane } from "./testing/test-plane.ts";

/** A plane and the store below it, which fails when told. */
async function openFailing(): Promise<{ plane: TestPlane; store: FailingStore }> {
  const stores: FailingStore[] = [];
  const plane = await TestPlane.open({
    wrapStore: (real) => {
      const store = createFailingStore(real);
      stores.push(store);
      return store;
    },
  });
  const [store] = stores;
  if (store === undefined) throw new Error("the plane opened no store");
  return { plane, store };
}

test("a revoke whose commit failed after it was durable shuts the key out all the same", async () => {
  const { plane, store } = await openFailing();
  await using _ = plane;
  const { key, record } = await plane.run("keys.create", {
    project: "default",
    name: "ci",
    scopes: ["functions:*:invoke"],
    expiresAtMs: undefined,
  });
  expect(plane.plane.authenticate(key)?.id).toBe(record.id);
  store.fail({ at: "commit_after", nth: 1 });
  const revoke = plane.run("keys.revoke", { project: "default", id: record.id });
  expect((await refusal(revoke)).code).toBe("storage_unavailable");
  expect(plane.plane.authenticate(key)).toBeUndefined();
});

test("the plan stays as it was when the commit failed before it was durable", async () => {
  const { plane, store } = await openFailing();
  await using _ = plane;
  await plane.create("hello");
  store.fail({ at: "commit_before", nth: 1 });
  const disable = plane.run("functions.update", { ...ref("hello"), enabled: false });
  expect((await refusal(disable)).code).toBe("storage_unavailable");
  expect(plane.plan.functions.get("default:hello")?.enabled).toBe(true);
});
