import { ReactorError } from "../domain/errors.ts";
import type { AliasTarget, FunctionRecord } from "../domain/function.ts";
import { heaviestTarget } from "../domain/heaviest-target.ts";
import type { FunctionPlan, Plan } from "../domain/plan.ts";
import { type ManifestRoute, routeClaim } from "../domain/route.ts";
import type { StoreReader } from "../store/store.ts";
import type { CommandContext } from "./command.ts";
import { findProduction, productionAlias } from "./promote.ts";

/**
 * Throws `conflict` when another function of the project claims the route. Called within the
 * transaction that claims it, so that of two claims at once one is seen.
 */
export async function requireFreeRoute(
  reader: StoreReader,
  { plans }: Pick<CommandContext, "plans">,
  owner: FunctionRecord,
  route: ManifestRoute | undefined,
): Promise<void> {
  if (route === undefined) return;
  const claim = routeClaim(route);
  const known = plansById(plans.plan, owner.projectId);
  for (const { functionId, targets } of await reader.aliasesNamed(
    owner.projectId,
    productionAlias,
  )) {
    if (functionId === owner.id) continue;
    const other = await routeOf(reader, targets, known.get(functionId));
    if (other === undefined || routeClaim(other) !== claim) continue;
    const name = (await reader.functionById(functionId))?.name ?? functionId;
    throw new ReactorError(
      "conflict",
      `Cannot send ${route.method} ${route.path} to function "${owner.name}": it leads to function "${name}"; give one of them another route or method, or delete the other with: reactor functions delete ${name}`,
      { details: { function: name, route: { method: route.method, path: route.path } } },
    );
  }
}

/** The route that the function's `production` claims. */
export async function productionRoute(
  reader: StoreReader,
  owner: FunctionRecord,
): Promise<ManifestRoute | undefined> {
  return routeOf(reader, (await findProduction(reader, owner.id))?.targets ?? []);
}

/** The route of the heaviest target: from the plan when it has the deployment, since that never changes. */
async function routeOf(
  reader: StoreReader,
  targets: readonly AliasTarget[],
  plan?: FunctionPlan,
): Promise<ManifestRoute | undefined> {
  const target = heaviestTarget(targets);
  if (target === undefined) return undefined;
  const planned = plan?.deployments.get(target.revision);
  if (planned?.deploymentId === target.deploymentId) return planned.manifest.route;
  return (await reader.deployment(target.deploymentId))?.manifest.route;
}

function plansById(plan: Plan, projectId: string): ReadonlyMap<string, FunctionPlan> {
  const own = [...plan.functions.values()].filter((entry) => entry.projectId === projectId);
  return new Map(own.map((entry) => [entry.functionId, entry]));
}
