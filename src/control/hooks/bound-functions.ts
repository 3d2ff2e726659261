import { type HookPoint, hookPoints } from "../../domain/hook.ts";
import type { FunctionPlan, Plan } from "../../domain/plan.ts";
import { productionManifest } from "../queue/queue-functions.ts";

/** A function whose promoted manifest binds it to a hook. */
export interface BoundFunction {
  readonly point: HookPoint;
  readonly order: number;
  readonly functionPlan: FunctionPlan;
}

/** The project's functions bound to the point, or to any, in the order in which they run. */
export function boundFunctions(
  plan: Plan,
  projectId: string,
  point: HookPoint | undefined,
): readonly BoundFunction[] {
  const bound: BoundFunction[] = [];
  for (const functionPlan of plan.functions.values()) {
    if (functionPlan.projectId !== projectId) continue;
    const hooks = productionManifest(functionPlan)?.hooks;
    for (const one of hooks?.points ?? []) {
      if (point !== undefined && one !== point) continue;
      bound.push({ point: one, order: hooks?.order ?? 0, functionPlan });
    }
  }
  return bound.sort(inOrder);
}

function inOrder(a: BoundFunction, b: BoundFunction): number {
  const byPoint = hookPoints.indexOf(a.point) - hookPoints.indexOf(b.point);
  if (byPoint !== 0 || a.order !== b.order) return byPoint || a.order - b.order;
  return a.functionPlan.name < b.functionPlan.name ? -1 : 1;
}
