import type { Random } from "../base/random.ts";
import type { AccessMode } from "../domain/manifest.ts";
import type { ManifestCors } from "../domain/cors.ts";
import { heaviestTarget } from "../domain/heaviest-target.ts";
import { type ManifestRateLimit, strictestRateLimit } from "../domain/rate-limit.ts";
import type { PolicyDeployment } from "../domain/policy/policy-facts.ts";
import { aliasPattern, functionNamePattern, projectNamePattern } from "../domain/names.ts";
import type { DeploymentPlan, FunctionPlan, Plan } from "../domain/plan.ts";
import { PathTable, type PathMatch } from "./path-table.ts";
import { type PolicySet, policySet } from "./policy-set.ts";

const defaultProject = "default";
const productionAlias = "production";
const revisionPattern = /^[1-9][0-9]{0,8}$/;

/** One deployment a route may lead to. */
export interface RouteTarget {
  readonly deployment: DeploymentPlan;
  /** `name@revision`, as `X-Reactor-Function` shows it. */
  readonly label: string;
  readonly weight: number;
  /** Sum of the weights up to and including this target. */
  readonly weightTo: number;
}

/** A function reached by an alias or a revision, under one plan. */
export interface Route {
  /** The plan it was made under; a route of an older plan is looked up again before use. */
  readonly plan: Plan;
  readonly function: FunctionPlan;
  /** Alias name, or revision number in decimal. */
  readonly selector: string;
  /** Ready deployments; empty while nothing is promoted. */
  readonly targets: readonly RouteTarget[];
  readonly edge: RouteEdge;
}

/** What holds before a target is picked: with several targets the strictest of each. */
export interface RouteEdge {
  readonly access: AccessMode | undefined;
  readonly forwardAuthorization: boolean;
  readonly bodyInBytesMax: number;
  /** Of the target with the most weight; undefined: what the function says passes. */
  readonly cors: ManifestCors | undefined;
  readonly rateLimit: ManifestRateLimit | undefined;
  /** Every request is queued. */
  readonly queues: boolean;
  /** Undefined when the function has none, so that it pays nothing for them. */
  readonly policies: PolicySet | undefined;
}

export type RouteMiss = "function_not_found" | "alias_not_found" | "deployment_not_found";

/**
 * Who answers to which name under one plan. Routes are made on first use and kept, so a lookup
 * costs one map access; names that lead nowhere are not kept.
 */
export class RouteTable {
  readonly plan: Plan;
  readonly #bySegment = new Map<string, Route>();
  readonly #bySlug = new Map<string, Route>();
  /** Made when the first request asks for it. */
  #paths: PathTable | undefined;

  constructor(plan: Plan) {
    this.plan = plan;
  }

  /**
   * Looks up a path segment `[project:]name[@selector]`, taken literally: nothing is decoded. A
   * `project` given elsewhere (header) must agree with the one in the segment.
   */
  bySegment(segment: string, project: string | undefined): Route | RouteMiss {
    const key = project === undefined ? segment : `${project}\0${segment}`;
    return this.#bySegment.get(key) ?? this.#parseSegment(key, segment, project);
  }

  /** Looks up a host label: a function's slug and an alias, in lower case. */
  bySlug(slug: string, alias: string | undefined, project: string | undefined): Route | RouteMiss {
    const key = `${project ?? defaultProject}:${slug}`;
    const cacheKey = alias === undefined ? key : `${key}@${alias}`;
    const known = this.#bySlug.get(cacheKey);
    if (known !== undefined) return known;
    const functionPlan = this.plan.slugs.get(key);
    if (functionPlan === undefined) return "function_not_found";
    const route = routeOf(this.plan, functionPlan, alias ?? productionAlias);
    if (typeof route !== "string") this.#bySlug.set(cacheKey, route);
    return route;
  }

  /** Looks up a path at the server's root, without its query. */
  byPath(project: string | undefined, method: string, path: string): PathMatch | undefined {
    this.#paths ??= new PathTable(this.plan);
    return this.#paths.find(project ?? defaultProject, method, path);
  }

  /** Finds the same function and selector that a route of an earlier plan named. */
  again(route: Route): Route | RouteMiss {
    const { project, name } = route.function;
    return this.bySegment(`${project}:${name}@${route.selector}`, undefined);
  }

  #parseSegment(key: string, segment: string, project: string | undefined): Route | RouteMiss {
    const colon = segment.indexOf(":");
    const at = segment.indexOf("@");
    const named = colon < 0 ? undefined : segment.slice(0, colon);
    const name = segment.slice(colon + 1, at < 0 ? undefined : at);
    const owner = named ?? project ?? defaultProject;
    if (
      !functionNamePattern.test(name) ||
      !projectNamePattern.test(owner) ||
      (named !== undefined && project !== undefined && named !== project)
    ) {
      return "function_not_found";
    }
    const functionPlan = this.plan.functions.get(`${owner}:${name}`);
    if (functionPlan === undefined) return "function_not_found";
    const selector = at < 0 ? productionAlias : segment.slice(at + 1);
    const route = routeOf(this.plan, functionPlan, selector);
    if (typeof route !== "string") this.#bySegment.set(key, route);
    return route;
  }
}

function routeOf(plan: Plan, functionPlan: FunctionPlan, selector: string): Route | RouteMiss {
  if (revisionPattern.test(selector)) {
    const deployment = functionPlan.deployments.get(Number(selector));
    if (deployment === undefined) return "deployment_not_found";
    const only = target(functionPlan, deployment, { weight: 1, weightTo: 1 });
    return route(plan, functionPlan, selector, [only]);
  }
  const alias = functionPlan.aliases.get(selector);
  if (alias === undefined) {
    if (selector === productionAlias) return route(plan, functionPlan, selector, []);
    return aliasPattern.test(selector) ? "alias_not_found" : "deployment_not_found";
  }
  const targets: RouteTarget[] = [];
  let weightTo = 0;
  for (const { revision, weight } of alias) {
    const deployment = functionPlan.deployments.get(revision);
    if (deployment === undefined || weight <= 0) continue;
    weightTo += weight;
    targets.push(target(functionPlan, deployment, { weight, weightTo }));
  }
  return route(plan, functionPlan, selector, targets);
}

function route(
  plan: Plan,
  functionPlan: FunctionPlan,
  selector: string,
  targets: readonly RouteTarget[],
): Route {
  const manifests = targets.map(({ deployment }) => deployment.manifest);
  const accesses = manifests.map(({ access }) => access);
  const edge: RouteEdge = {
    access:
      accesses.find((access) => access === "key" || access === "jwt") ??
      (accesses.includes(undefined) ? undefined : accesses[0]),
    forwardAuthorization: manifests.every(({ forwardAuthorization }) => forwardAuthorization),
    bodyInBytesMax: Math.min(...manifests.map(({ limits }) => limits.bodyInBytesMax)),
    cors: heaviestTarget(targets)?.deployment.manifest.cors,
    rateLimit: strictestRateLimit(manifests.map(({ rateLimit }) => rateLimit)),
    queues: manifests.some(({ queue }) => queue.always),
    policies: policySet(functionPlan, targets.map(policyDeployment)),
  };
  return { plan, function: functionPlan, selector, targets, edge };
}

function policyDeployment({ deployment }: RouteTarget): PolicyDeployment {
  const { deploymentId, revision, manifest } = deployment;
  return { id: deploymentId, revision, runtime: manifest.runtime };
}

function target(
  functionPlan: FunctionPlan,
  deployment: DeploymentPlan,
  weights: Pick<RouteTarget, "weight" | "weightTo">,
): RouteTarget {
  return { deployment, label: `${functionPlan.name}@${deployment.revision}`, ...weights };
}

/** Picks a target by weight. Undefined when none is ready. */
export function pickTarget(route: Route, random: Random): RouteTarget | undefined {
  const { targets } = route;
  if (targets.length < 2) return targets[0];
  const last = targets[targets.length - 1] as RouteTarget;
  const point = (random.uint32() / 2 ** 32) * last.weightTo;
  for (const candidate of targets) if (point < candidate.weightTo) return candidate;
  return last;
}
