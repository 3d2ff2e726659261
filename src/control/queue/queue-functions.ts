import { defaultManifestQueue, type ManifestQueue } from "../../domain/manifest-queue.ts";
import type { Schedule } from "../../domain/schedule.ts";
import type { FunctionPlan, Plan } from "../../domain/plan.ts";

/** The functions of a plan by id; made once per plan. */
const byPlan = new WeakMap<Plan, ReadonlyMap<string, FunctionPlan>>();

/** The live function of this id. */
export function functionOf(plan: Plan, functionId: string): FunctionPlan | undefined {
  let functions = byPlan.get(plan);
  if (functions === undefined) {
    functions = new Map([...plan.functions.values()].map((entry) => [entry.functionId, entry]));
    byPlan.set(plan, functions);
  }
  return functions.get(functionId);
}

/** What production's manifest says about the queue. */
export function queueRulesOf(functionPlan: FunctionPlan | undefined): ManifestQueue {
  return productionManifest(functionPlan)?.queue ?? defaultManifestQueue;
}

/** The schedules that are in force: production's. */
export function schedulesOf(functionPlan: FunctionPlan): readonly Schedule[] {
  return productionManifest(functionPlan)?.queue.schedules ?? [];
}

/** Queued invocations of the function that may run at once. */
export function concurrencyOf(functionPlan: FunctionPlan): number {
  const manifest = productionManifest(functionPlan);
  if (manifest === undefined) return 1;
  const { queue, concurrency } = manifest;
  return queue.concurrency ?? Math.max(1, Math.floor(concurrency.maxConcurrency / 2));
}

/** The manifest of the deployment that production names first. */
export function productionManifest(functionPlan: FunctionPlan | undefined) {
  const [first] = functionPlan?.aliases.get("production") ?? [];
  return first && functionPlan?.deployments.get(first.revision)?.manifest;
}
