import { expect, test } from "bun:test";
import { ReactorError } from "../domain/errors.ts";
import type { DeploymentRecord } from "../domain/function.ts";
import { keyCaller, ref, TestPlane } from "./testing/test-plane.ts";

const settings = { failedDeploymentsKept: 2 };

/** Deploys code that a driver finds at fault. */
async function deployFailing(plane: TestPlane, name: string): Promise<DeploymentRecord> {
  const { materialize } = plane;
  plane.materialize = () => Promise.reject(new ReactorError("cold_start_failed", "bad module"));
  try {
    return await plane.deploy(name, { "index.ts": `throw ${plane.materialized.length}` });
  } finally {
    plane.materialize = materialize;
  }
}

async function revisions(plane: TestPlane, name: string): Promise<readonly number[]> {
  const page = { ...ref(name), limit: 100, cursor: undefined };
  const { items } = await plane.run("deployments.list", page);
  return items.map(({ revision }) => revision);
}

test("of a function's failed deployments the newest are kept, and what was ready stays", async () => {
  await using plane = await TestPlane.open({ settings });
  await plane.create("hello");
  const failed: DeploymentRecord[] = [];
  for (let i = 0; i < 2; i++) failed.push(await deployFailing(plane, "hello"));
  await plane.deploy("hello", { "index.ts": "3" }, { promote: true });
  await plane.deploy("hello", { "index.ts": "4" });
  for (let i = 0; i < 3; i++) failed.push(await deployFailing(plane, "hello"));
  expect(await revisions(plane, "hello")).toEqual([7, 6, 5, 4, 3, 2, 1]);
  expect((await plane.plane.collector.collect()).deployments).toBe(3);
  expect(await revisions(plane, "hello")).toEqual([7, 6, 4, 3]);
  const newest = await plane.run("deployments.get", { ...ref("hello"), deployment: "7" });
  expect(newest.failure?.message).toBe("bad module");
  expect((await plane.plane.collector.collect()).deployments).toBe(0);
  expect(plane.plane.collector.collected.deployments).toBe(3);
});

test("a revision number whose deployment was removed is never given out again", async () => {
  await using plane = await TestPlane.open({ settings });
  await plane.create("hello");
  for (let i = 0; i < 4; i++) await deployFailing(plane, "hello");
  await plane.plane.collector.collect();
  await plane.stop();
  await plane.start();
  expect((await plane.deploy("hello")).revision).toBe(5);
  const gone = plane.run("deployments.get", { ...ref("hello"), deployment: "1" });
  expect(await gone.catch((error: ReactorError) => error.code)).toBe("deployment_not_found");
});

test("the audit row names what was removed, and a pass that removes nothing leaves none", async () => {
  await using plane = await TestPlane.open({ settings });
  await plane.create("hello");
  const first = await deployFailing(plane, "hello");
  for (let i = 0; i < 2; i++) await deployFailing(plane, "hello");
  for (let pass = 0; pass < 3; pass++) await plane.plane.collector.collect();
  const { items } = await plane.run("audit.list", { limit: 100, cursor: undefined });
  const rows = items.filter(({ command }) => command === "deployments.collect");
  expect(rows).toHaveLength(1);
  expect(rows[0]).toMatchObject({
    actor: "system",
    outcome: "ok",
    details: {
      failed_deployments_kept: 2,
      deployments: [{ id: first.id, function_id: first.functionId, revision: 1 }],
    },
  });
});

test("the code of a removed deployment goes too, unless another deployment has the same", async () => {
  await using plane = await TestPlane.open({ settings: { ...settings, blobGraceMs: 0 } });
  await plane.create("hello");
  const failed: DeploymentRecord[] = [];
  for (let i = 0; i < 4; i++) failed.push(await deployFailing(plane, "hello"));
  const [unused, shared] = failed;
  const again = await plane.deploy("hello", { "index.ts": "throw 1" });
  expect(again.sourceBlob).toBe(shared?.sourceBlob ?? "");
  for (let pass = 0; pass < 3; pass++) await plane.plane.collector.collect();
  expect(await plane.blobs.has(unused?.sourceBlob ?? "")).toBe(false);
  expect(await plane.blobs.has(again.sourceBlob)).toBe(true);
});

test("more than one transaction's worth is removed in one pass, of deleted functions too", async () => {
  await using plane = await TestPlane.open({ settings });
  await plane.create("hello");
  await plane.create("gone");
  const sample = await deployFailing(plane, "gone");
  await plane.store.write(async (writer) => {
    for (let i = 0; i < 450; i++) {
      const revision = await writer.nextRevision(sample.functionId);
      await writer.insertDeployment({ ...sample, id: `dep_${revision}`, revision });
    }
  });
  await plane.run("functions.delete", ref("gone"));
  expect((await plane.plane.collector.collect()).deployments).toBe(449);
  await plane.run("functions.restore", ref("gone"));
  expect(await revisions(plane, "gone")).toEqual([451, 450]);
});

test("a failed deployment that an alias names or that was ever promoted is never removed", async () => {
  await using plane = await TestPlane.open({ settings });
  const { id: functionId } = await plane.create("hello");
  const failed: DeploymentRecord[] = [];
  for (let i = 0; i < 5; i++) failed.push(await deployFailing(plane, "hello"));
  const [promoted, named] = failed;
  if (promoted === undefined || named === undefined) throw new Error("no deployments");
  // Commands refuse both for a failed deployment: only the store can be brought there.
  await plane.store.write(async (writer) => {
    const deploymentId = promoted.id;
    await writer.insertPromotion({
      id: "prm_1",
      functionId,
      deploymentId,
      kind: "promote",
      atMs: 1,
    });
    const targets = [{ revision: named.revision, deploymentId: named.id, weight: 100 }];
    await writer.putAlias({ functionId, name: "old", targets, updatedAtMs: 1 });
  });
  expect((await plane.plane.collector.collect()).deployments).toBe(1);
  expect(await revisions(plane, "hello")).toEqual([5, 4, 2, 1]);
});

test("whoever may not change every function may not collect", async () => {
  await using plane = await TestPlane.open({ settings });
  const caller = keyCaller(["functions:*:deploy", "functions:hello:admin"]);
  const collecting = plane.run("deployments.collect", {}, caller);
  expect(await collecting.catch((error: ReactorError) => error.code)).toBe("permission_denied");
});
