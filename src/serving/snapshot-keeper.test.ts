import { expect, test } from "bun:test";
import { silentLog } from "../base/log.ts";
import { type ManifestChanges, testFunction, testPlan } from "./plan-builder.harness.ts";
import { ScriptedDriver } from "./scripted-driver.harness.ts";
import { SnapshotKeeper } from "./snapshot-keeper.ts";

const all = ["dep_a_1", "dep_a_2", "dep_b_1", "dep_old_1", "dep_new_1"];

/** A keeper, and which deployments of `all` it has kept after each plan. */
function open(options: { readonly fails?: boolean } = {}) {
  const kept: string[][] = [];
  const driver = Object.assign(new ScriptedDriver(), {
    snapshots: {
      make: () => Promise.resolve(),
      keep(isKept: (deploymentId: string) => boolean) {
        kept.push(all.filter(isKept));
        return options.fails ? Promise.reject(new Error("no disk")) : Promise.resolve();
      },
    },
  });
  const drivers = new Map([
    ["bun/microvm", driver],
    ["bun/process", new ScriptedDriver()],
  ] as const);
  return { keeper: new SnapshotKeeper(drivers, silentLog), kept };
}

function planOf(...functions: readonly (readonly [string, readonly number[], ManifestChanges?])[]) {
  return testPlan(
    functions.map(([name, revisions, manifest = { snapshot: true }]) =>
      testFunction({ name, revisions, manifest }),
    ),
  );
}

test("the first plan removes the snapshots of what it does not name, others those that were in one before", async () => {
  const { keeper, kept } = open();
  keeper.apply(planOf(["a", [1, 2]], ["b", [1]], ["new", [1], { snapshot: false }]));
  await keeper.settled();
  expect(kept).toEqual([["dep_a_1", "dep_a_2", "dep_b_1"]]);
  // A deployment that is being made is in no plan, and stays.
  keeper.apply(planOf(["a", [2]]));
  keeper.apply(planOf(["a", [2]]));
  await keeper.settled();
  expect(kept.slice(1)).toEqual([["dep_a_2", "dep_old_1", "dep_new_1"]]);
});

test("snapshots that cannot be removed stop nothing", async () => {
  const { keeper, kept } = open({ fails: true });
  keeper.apply(planOf(["a", [1]]));
  keeper.apply(planOf());
  await keeper.settled();
  expect(kept.length).toBe(2);
});
