import { expect, test } from "bun:test";
import { createVirtualClock } from "../base/clock.ts";
import { createFailingStore, type FailingStore } from "../store/failing/failing-store.ts";
import type { Store } from "../store/store.ts";
import { refusal } from "./testing/refusal.ts";
import { filesUpload, keyCaller, TestPlane } from "./testing/test-plane.ts";

const deployed = {
  project: "shop",
  function: "cart",
  upload: filesUpload({ "index.ts": "export default {}" }),
  bundleSha256: undefined,
  promote: true,
  createFunction: true,
};

/** A project with everything that a project can have. */
async function makeShop(plane: TestPlane): Promise<string> {
  const { id } = await plane.run("projects.create", { name: "shop" });
  await plane.run("deployments.create", deployed);
  const of = { project: "shop", function: "cart" };
  await plane.run("aliases.set", { ...of, alias: "beta", targets: [{ revision: 1, weight: 100 }] });
  const rule = { kind: "method", methods: ["POST"] } as const;
  await plane.run("policies.create", { ...of, name: "post", rule });
  for (const owner of [undefined, "cart"]) {
    const secret = { key: "TOKEN", value: "hidden", secret: true };
    await plane.run("env.set", { project: "shop", function: owner, ...secret });
  }
  return id;
}

/** What the store still has of the project. */
function leftOf(store: Store, id: string) {
  return store.read(async (reader) => {
    const cart = await reader.functionByName(id, "cart");
    return {
      projects: [...(await reader.projects()), ...(await reader.removedProjects())].map(
        (project) => project.id,
      ),
      function: cart?.name,
      env: (await reader.envOf(id, undefined)).length,
      blobs: (await reader.referencedBlobs()).size,
    };
  });
}

/** Lets the store work until nothing of the project is left. */
async function untilErased(store: Store, id: string): ReturnType<typeof leftOf> {
  for (let look = 0; look < 20_000; look++) {
    const left = await leftOf(store, id);
    if (!left.projects.includes(id)) return left;
    await Bun.sleep(0);
  }
  throw new Error("the project was not erased");
}

test("a project that has functions is removed only by force, and then all of it is", async () => {
  const clock = createVirtualClock();
  await using plane = await TestPlane.open({ clock });
  const id = await makeShop(plane);
  const made = { name: "buyer", scopes: ["functions:*:invoke"], expiresAtMs: undefined };
  const { key } = await plane.run("keys.create", { project: "shop", ...made });
  const refused = await refusal(plane.run("projects.delete", { name: "shop", force: false }));
  expect(refused).toMatchObject({ code: "conflict", details: { functions: 1 } });
  expect(refused.message).toContain("cart");
  expect(plane.plan.functions.has("shop:cart")).toBe(true);

  expect(await plane.run("projects.delete", { name: "shop", force: true })).toEqual({
    id,
    name: "shop",
    functions: 1,
  });
  expect(plane.plan.functions.has("shop:cart")).toBe(false);
  expect(plane.plane.authenticate(key)).toBeUndefined();
  const gone = await leftOf(plane.store, id);
  expect(gone.env).toBe(0);
  const asked = plane.run("functions.get", { project: "shop", function: "cart" });
  expect((await refusal(asked)).code).toBe("not_found");

  // The name is free at once, whatever is left of the former project.
  const again = await plane.run("projects.create", { name: "shop" });
  expect(again.id).not.toBe(id);
  await clock.advance(15_000);
  const left = await untilErased(plane.store, id);
  expect(left).toEqual({ projects: ["default", again.id], function: undefined, env: 0, blobs: 0 });
});

test("a server that is killed after the removal erases the rest at its next start", async () => {
  await using plane = await TestPlane.open({ clock: createVirtualClock() });
  const id = await makeShop(plane);
  await plane.run("projects.delete", { name: "shop", force: true });
  expect(await leftOf(plane.store, id)).toMatchObject({ function: "cart", blobs: 2 });
  await plane.stop();
  await plane.start();
  expect(plane.plan.functions.has("shop:cart")).toBe(false);
  const left = await untilErased(plane.store, id);
  expect(left).toEqual({ projects: ["default"], function: undefined, env: 0, blobs: 0 });
});

test("a removal whose commit fails is none, or a whole one when it was durable", async () => {
  let store: FailingStore | undefined;
  const clock = createVirtualClock();
  await using plane = await TestPlane.open({
    clock,
    wrapStore: (real) => (store = createFailingStore(real)),
  });
  const id = await makeShop(plane);
  const remove = () => refusal(plane.run("projects.delete", { name: "shop", force: true }));
  store?.fail({ at: "commit_before", nth: 1 });
  expect((await remove()).code).toBe("storage_unavailable");
  expect(plane.plan.functions.get("shop:cart")?.env.secrets).toEqual({ TOKEN: "hidden" });
  expect((await leftOf(plane.store, id)).env).toBe(1);
  store?.fail({ at: "commit_after", nth: 1 });
  expect((await remove()).code).toBe("storage_unavailable");
  expect(plane.plan.functions.has("shop:cart")).toBe(false);
  await clock.advance(15_000);
  await untilErased(plane.store, id);
});

test("what finds the project before it is removed gets nothing into it afterwards", async () => {
  await using plane = await TestPlane.open({ clock: createVirtualClock() });
  const id = await makeShop(plane);
  const building = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  plane.materialize = async () => {
    building.resolve();
    await release.promise;
    return { shape: "fetch" };
  };
  const deploy = refusal(plane.run("deployments.create", deployed));
  await building.promise;
  await plane.run("projects.delete", { name: "shop", force: true });
  release.resolve();
  expect((await deploy).message).toContain("removed meanwhile");
  for (const late of [
    plane.run("functions.create", { project: "shop", name: "late" }),
    plane.run("env.set", {
      project: "shop",
      function: undefined,
      key: "A",
      value: "1",
      secret: false,
    }),
  ]) {
    expect((await refusal(late)).code).toBe("not_found");
  }
  expect((await leftOf(plane.store, id)).env).toBe(0);
});

test("default, an unknown project, and a key of too few rights are refused", async () => {
  await using plane = await TestPlane.open();
  await makeShop(plane);
  const remove = (name: string, force: boolean, ...scopes: readonly string[]) =>
    refusal(plane.run("projects.delete", { name, force }, keyCaller(scopes)));
  expect((await remove("default", true, "*")).code).toBe("conflict");
  for (const name of ["nobody", "", "shop'--", "x".repeat(10_000)]) {
    expect((await remove(name, true, "*")).code).toBe("not_found");
  }
  expect((await remove("shop", true, "functions:*:*")).code).toBe("permission_denied");
  expect(await remove("shop", true, "config:write")).toMatchObject({
    details: { scope: "functions:*:admin" },
  });
  const shopper = keyCaller(["*"], "shop");
  const own = plane.run("projects.delete", { name: "shop", force: true }, shopper);
  expect((await refusal(own)).code).toBe("permission_denied");
});
