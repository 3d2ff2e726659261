import type { EventType } from "../../domain/event.ts";
import type { FunctionPlan, Plan } from "../../domain/plan.ts";
import { productionManifest } from "../queue/queue-functions.ts";

type Bound = ReadonlyMap<string, readonly FunctionPlan[]>;

/** The bound functions of a plan by project and type; made once per plan. */
const byPlan = new WeakMap<Plan, Bound>();

/** The project's functions whose promoted manifests bind them to the type. */
export function boundToEvent(
  plan: Plan,
  projectId: string,
  type: EventType,
): readonly FunctionPlan[] {
  let bound = byPlan.get(plan);
  if (bound === undefined) {
    bound = findBound(plan);
    byPlan.set(plan, bound);
  }
  return bound.get(keyOf(projectId, type)) ?? [];
}

function findBound(plan: Plan): Bound {
  const bound = new Map<string, FunctionPlan[]>();
  for (const functionPlan of plan.functions.values()) {
    for (const type of productionManifest(functionPlan)?.queue.events ?? []) {
      const key = keyOf(functionPlan.projectId, type);
      bound.set(key, [...(bound.get(key) ?? []), functionPlan]);
    }
  }
  return bound;
}

function keyOf(projectId: string, type: EventType): string {
  return `${projectId}:${type}`;
}
