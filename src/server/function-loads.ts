import type { FunctionLoad } from "../admin/options.ts";
import type { Serving } from "../serving/serving.ts";

/** What the pools hold now and the meters counted since the start, by function. */
export function functionLoads(serving: Serving): ReadonlyMap<string, FunctionLoad> {
  const loads = new Map<string, FunctionLoad>();
  for (const meter of serving.meters()) {
    let errors = 0;
    for (const count of meter.byErrorCode.values()) errors += count;
    const { functionId, invocations, durationMsSum: durationMs } = meter;
    loads.set(functionId, { instances: 0, running: 0, invocations, errors, durationMs });
  }
  for (const { functionId, instances, running, draining } of serving.pools()) {
    const before = loads.get(functionId) ?? { invocations: 0, errors: 0, durationMs: 0 };
    const ready = draining ? 0 : instances.filter(({ state }) => state === "ready").length;
    const sum = { instances: 0, running: 0, ...before };
    loads.set(functionId, {
      ...sum,
      instances: sum.instances + ready,
      running: sum.running + running,
    });
  }
  return loads;
}
