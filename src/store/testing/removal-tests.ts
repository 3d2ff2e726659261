import { expect, test } from "bun:test";
import type { Store } from "../store.ts";
import { aDeployment, aFunction, anApiKey, anEnv, aQueued, atMs } from "./store-records.ts";

/** What every store must do with a project that is removed. */
export function removalTests(store: () => Store): void {
  const inShop = { projectId: "prj_shop" } as const;
  const fill = (): Promise<void> =>
    store().write(async (writer) => {
      await writer.insertProject({ id: "prj_shop", name: "shop", createdAtMs: atMs });
      await writer.insertFunction(aFunction());
      for (const n of [2, 3, 4]) {
        const id = `fn_${n}`;
        await writer.insertFunction(aFunction({ ...inShop, id, name: `f${n}`, slug: `f${n}` }));
        await writer.insertDeployment(aDeployment({ id: `dep_${n}`, functionId: id }));
        const target = { revision: 1, deploymentId: `dep_${n}`, weight: 100 };
        const alias = { functionId: id, name: "production", updatedAtMs: atMs };
        await writer.putAlias({ ...alias, targets: [target] });
        const promotion = { id: `prm_${n}`, functionId: id, deploymentId: `dep_${n}` };
        await writer.insertPromotion({ ...promotion, kind: "promote", atMs });
        const rule = { kind: "method", methods: ["POST"] } as const;
        const policy = { id: `pol_${n}`, functionId: id, name: "post", rule };
        await writer.insertPolicy({ ...policy, createdAtMs: atMs });
        await writer.putScheduleTick({ key: `k${n}`, functionId: id, lastMs: atMs });
        await writer.putEnv(anEnv({ ...inShop, functionId: id }));
        for (const position of [n * 10, n * 10 + 1]) {
          await writer.insertQueued(
            aQueued(position, { ...inShop, functionId: id }),
            Buffer.from("sealed"),
          );
        }
      }
      await writer.insertQueued(aQueued(1), Buffer.from("sealed"));
      await writer.putEnv(anEnv());
      await writer.putEnv(anEnv({ ...inShop, functionId: undefined }));
      await writer.insertApiKey(anApiKey());
      await writer.insertApiKey(anApiKey({ ...inShop, id: "key_2", digest: "d".repeat(64) }));
    });

  test("a removed project is out of sight, its name free, and its env and keys are gone", async () => {
    await fill();
    await store().write((writer) => writer.hideProject("prj_shop", atMs));
    await store().read(async (reader) => {
      expect((await reader.projects()).map(({ name }) => name)).toEqual(["default"]);
      expect((await reader.removedProjects()).map(({ id }) => id)).toEqual(["prj_shop"]);
      expect(await reader.envOf("prj_shop", undefined)).toEqual([]);
      expect(await reader.envOf("prj_shop", "fn_2")).toEqual([]);
      expect((await reader.apiKeys()).map(({ id }) => id)).toEqual(["key_1"]);
      expect(await reader.envOf("default", "fn_1")).toHaveLength(1);
    });
    await store().write((writer) =>
      writer.insertProject({ id: "prj_new", name: "shop", createdAtMs: atMs }),
    );
  });

  test("its rows are erased a few at a time, and no other's", async () => {
    await fill();
    await store().write((writer) => writer.hideProject("prj_shop", atMs));
    let steps = 1;
    while (!(await store().write((writer) => writer.eraseProjectRows("prj_shop", 2)))) steps += 1;
    // Six queued invocations and three functions, two at a time.
    expect(steps).toBeGreaterThan(4);
    await store().write((writer) => writer.deleteProject("prj_shop"));
    await store().read(async (reader) => {
      expect(await reader.removedProjects()).toEqual([]);
      expect(await reader.functionById("fn_2")).toBeUndefined();
      expect(await reader.deployment("dep_3")).toBeUndefined();
      expect(await reader.queuedInvocation("inv_20")).toBeUndefined();
      expect(await reader.queuePayload("inv_20", "request")).toBeUndefined();
      expect(await reader.scheduleTicks()).toEqual([]);
      expect((await reader.functionById("fn_1"))?.name).toBe("hello");
      expect(await reader.queuedInvocation("inv_1")).toBeDefined();
    });
  });
}
