import { expect, test } from "bun:test";
import type { Store, StoreWriter } from "../store.ts";
import { allPages } from "./all-pages.ts";
import { codeOf } from "./code-of.ts";
import { aDeployment, aFunction, aManifest, atMs } from "./store-records.ts";

/** What every store must do with deployments, aliases and promotions. */
export function deploymentTests(store: () => Store): void {
  revisionTests(store);
  collectionTests(store);
  promotionTests(store);
  const seed = () => store().write((writer) => writer.insertFunction(aFunction()));

  test("a deployment comes back with its manifest whole and frozen", async () => {
    await seed();
    const schemas = { input: { type: "string" }, output: undefined };
    const record = aDeployment({
      schemas,
      failure: { code: "x", message: "m", log: "line\nline" },
    });
    await store().write((writer) => writer.insertDeployment(record));
    const found = await store().read((reader) => reader.deployment("dep_1"));
    expect(found).toStrictEqual(record);
    expect(Object.isFrozen(found?.manifest)).toBe(true);
    expect(Object.isFrozen(found?.manifest.limits)).toBe(true);
  });

  test("updateDeployment() changes what is named and can clear it again", async () => {
    await seed();
    await store().write((writer) => writer.insertDeployment(aDeployment()));
    const update = (change: Parameters<StoreWriter["updateDeployment"]>[1]) =>
      store().write((writer) => writer.updateDeployment("dep_1", change));
    const ready = { status: "ready", artifactBlob: "d".repeat(64), shape: "fetch" } as const;
    const schemas = { input: true, output: { type: "object", "~odd": [null, 1] } };
    await update({ ...ready, schemas, readyAtMs: atMs + 5, manifest: aManifest("renamed") });
    const get = () => store().read((reader) => reader.deployment("dep_1"));
    const expected = { ...ready, schemas, readyAtMs: atMs + 5, manifest: aManifest("renamed") };
    expect(await get()).toStrictEqual(aDeployment(expected));
    await update({ status: "destroyed", artifactBlob: undefined, schemas: undefined });
    expect(await get()).toMatchObject({ status: "destroyed", shape: "fetch" });
    expect((await get())?.artifactBlob).toBeUndefined();
    expect((await get())?.schemas).toBeUndefined();
    expect(await codeOf(store().write((w) => w.updateDeployment("dep_9", {})))).toBe("no error");
    const missing = store().write((w) => w.updateDeployment("dep_9", { status: "ready" }));
    expect(await codeOf(missing)).toBe("deployment_not_found");
  });
}

function revisionTests(store: () => Store): void {
  const seed = () => store().write((writer) => writer.insertFunction(aFunction()));

  test("nextRevision() counts from 1 per function and never gives a number twice", async () => {
    await store().write(async (writer) => {
      await writer.insertFunction(aFunction());
      await writer.insertFunction(aFunction({ id: "fn_2", name: "b", slug: "b" }));
    });
    const next = (id: string) => store().write((writer) => writer.nextRevision(id));
    expect([await next("fn_1"), await next("fn_1"), await next("fn_2")]).toEqual([1, 2, 1]);
    // The deployments that took 1 and 2 were never inserted: the numbers are gone all the same.
    expect(await next("fn_1")).toBe(3);
    expect(await codeOf(next("fn_9"))).toBe("function_not_found");
  });

  test("a revision is taken once per function", async () => {
    await seed();
    await store().write((writer) => writer.insertDeployment(aDeployment()));
    const again = store().write((w) => w.insertDeployment(aDeployment({ id: "dep_other" })));
    expect(await codeOf(again)).toBe("conflict");
  });

  test("deployments are found by revision and status, and listed newest first", async () => {
    await seed();
    await store().write(async (writer) => {
      for (let revision = 1; revision <= 12; revision++) {
        const status = revision % 2 === 0 ? "ready" : "failed";
        await writer.insertDeployment(aDeployment({ revision, status }));
      }
    });
    const pages = await allPages((cursor) =>
      store().read((reader) => reader.listDeployments("fn_1", { limit: 5, cursor })),
    );
    expect(pages.map((page) => page.map((item) => item.revision))).toEqual([
      [12, 11, 10, 9, 8],
      [7, 6, 5, 4, 3],
      [2, 1],
    ]);
    await store().read(async (reader) => {
      expect((await reader.deploymentByRevision("fn_1", 7))?.id).toBe("dep_7");
      expect(await reader.deploymentByRevision("fn_1", 13)).toBeUndefined();
      expect((await reader.deploymentsByStatus("ready")).length).toBe(6);
      expect(await reader.deploymentsByStatus("materializing")).toEqual([]);
    });
  });

  test("a cursor that no page gave out is invalid_request", async () => {
    const page = { limit: 5, cursor: "1 or 1=1" };
    const list = store().read((reader) => reader.listDeployments("fn_1", page));
    expect(await codeOf(list)).toBe("invalid_request");
  });
}

function collectionTests(store: () => Store): void {
  const of = (functionId: string, revision: number, status: "failed" | "ready" | "pending") =>
    aDeployment({ id: `dep_${functionId}_${revision}`, functionId, revision, status });
  const promotion = { id: "p_1", functionId: "fn_1", kind: "promote", atMs } as const;

  test("failedDeploymentsBeyond() leaves the newest failed ones of each function and what was promoted", async () => {
    await store().write(async (writer) => {
      await writer.insertFunction(aFunction());
      await writer.insertFunction(aFunction({ id: "fn_2", name: "b", slug: "b", deletedAtMs: 1 }));
      const statuses = ["failed", "failed", "ready", "failed", "pending", "failed"] as const;
      for (const [i, status] of statuses.entries()) {
        await writer.insertDeployment(of("fn_1", i + 1, status));
      }
      for (let i = 1; i <= 4; i++) await writer.insertDeployment(of("fn_2", i, "failed"));
      await writer.insertPromotion({ ...promotion, deploymentId: "dep_fn_1_2" });
    });
    const beyond = (kept: number, limit = 100) =>
      store().read(async (reader) => {
        const found = await reader.failedDeploymentsBeyond({ kept, limit });
        return found.map(({ id, functionId, revision }) => {
          expect(id).toBe(`dep_${functionId}_${revision}`);
          return id;
        });
      });
    expect(await beyond(2)).toEqual(["dep_fn_1_1", "dep_fn_2_1", "dep_fn_2_2"]);
    expect(await beyond(2, 2)).toEqual(["dep_fn_1_1", "dep_fn_2_1"]);
    expect(await beyond(1)).toEqual([
      "dep_fn_1_1",
      "dep_fn_1_4",
      "dep_fn_2_1",
      "dep_fn_2_2",
      "dep_fn_2_3",
    ]);
    expect(await beyond(4)).toEqual([]);
  });

  test("deleteDeployment() removes a row for good, not its number, and never a promoted one", async () => {
    await store().write(async (writer) => {
      await writer.insertFunction(aFunction());
      for (const revision of [1, 2]) {
        await writer.nextRevision("fn_1");
        await writer.insertDeployment(of("fn_1", revision, "failed"));
      }
      await writer.insertPromotion({ ...promotion, deploymentId: "dep_fn_1_1" });
    });
    const remove = (id: string) => store().write((writer) => writer.deleteDeployment(id));
    expect(await codeOf(remove("dep_fn_1_1"))).toBe("conflict");
    await remove("dep_fn_1_2");
    await remove("dep_fn_1_2");
    const left = await store().read((reader) =>
      reader.listDeployments("fn_1", { limit: 9, cursor: undefined }),
    );
    expect(left.items.map(({ revision }) => revision)).toEqual([1]);
    expect(await store().write((writer) => writer.nextRevision("fn_1"))).toBe(3);
  });
}

function promotionTests(store: () => Store): void {
  const seed = () => store().write((writer) => writer.insertFunction(aFunction()));

  test("aliases are set, replaced, deleted and listed by name", async () => {
    await seed();
    const target = { revision: 1, deploymentId: "dep_1", weight: 100 };
    const production = { functionId: "fn_1", name: "production", targets: [target] };
    await store().write(async (writer) => {
      await writer.putAlias({ ...production, updatedAtMs: 1 });
      await writer.putAlias({ ...production, name: "beta", updatedAtMs: 1 });
      const targets = [
        { ...target, weight: 95 },
        { ...target, revision: 2, weight: 5 },
      ];
      await writer.putAlias({ ...production, targets, updatedAtMs: 2 });
    });
    const list = () => store().read((reader) => reader.aliases("fn_1"));
    expect((await list()).map((alias) => alias.name)).toEqual(["beta", "production"]);
    expect((await list())[1]).toMatchObject({ updatedAtMs: 2, targets: [{ weight: 95 }, {}] });
    await store().write((writer) => writer.deleteAlias("fn_1", "beta"));
    expect((await list()).map((alias) => alias.name)).toEqual(["production"]);
  });

  test("aliasesNamed() lists a project's live functions' aliases of that name", async () => {
    const target = { revision: 1, deploymentId: "dep_1", weight: 100 };
    await store().write(async (writer) => {
      await writer.insertProject({ id: "prj_2", name: "other", createdAtMs: 1 });
      for (const [id, projectId, deletedAtMs] of [
        ["fn_c", "default", undefined],
        ["fn_a", "default", undefined],
        ["fn_gone", "default", 5],
        ["fn_other", "prj_2", undefined],
      ] as const) {
        await writer.insertFunction(aFunction({ id, projectId, name: id, slug: id, deletedAtMs }));
        for (const name of ["beta", "production"]) {
          await writer.putAlias({ functionId: id, name, targets: [target], updatedAtMs: 1 });
        }
      }
    });
    const found = await store().read((reader) => reader.aliasesNamed("default", "production"));
    expect(found.map(({ functionId, name }) => [functionId, name])).toEqual([
      ["fn_a", "production"],
      ["fn_c", "production"],
    ]);
    expect(found[0]?.targets).toEqual([target]);
  });

  test("promotions are kept in the order they were made, also when the clock jumps back", async () => {
    await seed();
    await store().write((writer) => writer.insertDeployment(aDeployment()));
    const promotion = { functionId: "fn_1", deploymentId: "dep_1", kind: "promote" } as const;
    for (const [id, time] of [
      ["p_b", 300],
      ["p_c", 100],
      ["p_a", 200],
    ] as const) {
      await store().write((w) => w.insertPromotion({ ...promotion, id, atMs: time }));
    }
    const promotions = await store().read((reader) => reader.promotions("fn_1"));
    expect(promotions.map((row) => row.id)).toEqual(["p_b", "p_c", "p_a"]);
    expect(promotions[1]).toStrictEqual({ ...promotion, id: "p_c", atMs: 100 });
  });

  test("referencedBlobs() names the source and artifact blobs of every deployment", async () => {
    await seed();
    await store().write(async (writer) => {
      await writer.insertDeployment(aDeployment({ revision: 1, status: "destroyed" }));
      await writer.insertDeployment(aDeployment({ revision: 2, artifactBlob: "e".repeat(64) }));
    });
    const blobs = await store().read((reader) => reader.referencedBlobs());
    expect([...blobs].toSorted()).toEqual(["b".repeat(64), "e".repeat(64)]);
  });
}
