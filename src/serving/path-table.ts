import { heaviestTarget } from "../domain/heaviest-target.ts";
import type { FunctionPlan, Plan } from "../domain/plan.ts";
import { type ManifestRoute, routeShape } from "../domain/route.ts";

/** A function that a path at the server's root leads to. */
export interface PathBinding {
  /** `project:name`, which is how the function's route is found. */
  readonly segment: string;
  readonly method: ManifestRoute["method"];
  /** The parameters of its path and the segments that they stand at. */
  readonly parameters: readonly Parameter[];
}

interface Parameter {
  readonly name: string;
  readonly position: number;
}

/** What a path leads to. */
export type PathMatch =
  | {
      readonly binding: PathBinding;
      /** Values of the parameters as `name=value&…`, percent-encoded as they came; "" for none. */
      readonly params: string;
    }
  /** Other methods lead somewhere. */
  | { readonly binding: undefined; readonly allow: readonly string[] };

type Bindings = Map<string, PathBinding>;

/** Paths with parameters at the same segments. */
interface Shape {
  /** Bit i: segment i is a parameter. */
  readonly mask: number;
  readonly byShape: Map<string, Bindings>;
}

interface ProjectPaths {
  readonly literal: Map<string, Bindings>;
  /** By number of segments; those whose first segments are literal come first. */
  readonly shapes: Map<number, Shape[]>;
}

/**
 * The routes of every project under one plan, after what each function's heaviest `production`
 * deployment claims. A literal path costs one map access. Paths with parameters are looked up by the
 * segments that are left, once for each arrangement of parameters there is, so that nothing tries
 * one pattern after another.
 */
export class PathTable {
  readonly #projects = new Map<string, ProjectPaths>();

  constructor(plan: Plan) {
    for (const functionPlan of plan.functions.values()) {
      const route = productionRoute(functionPlan);
      if (route !== undefined) this.#add(functionPlan, route);
    }
    for (const { shapes } of this.#projects.values()) {
      for (const list of shapes.values()) list.sort((a, b) => literalsFirst(a.mask, b.mask));
    }
  }

  /** What a path without its query leads to; undefined when nothing is there for any method. */
  find(project: string, method: string, path: string): PathMatch | undefined {
    const paths = this.#projects.get(project);
    if (paths === undefined) return undefined;
    const allow = new Set<string>();
    const literal = paths.literal.get(path);
    const exact = literal && take(literal, method, allow);
    if (exact !== undefined) return { binding: exact, params: "" };
    const segments = path.slice(1).split("/");
    for (const { mask, byShape } of paths.shapes.get(segments.length) ?? []) {
      const bindings = byShape.get(unnamed(segments, mask));
      const binding = bindings && take(bindings, method, allow);
      if (binding === undefined) continue;
      return { binding, params: paramsOf(binding, segments) };
    }
    return allow.size === 0 ? undefined : { binding: undefined, allow: [...allow].sort() };
  }

  #add({ project, name }: FunctionPlan, { path, method }: ManifestRoute): void {
    let paths = this.#projects.get(project);
    if (paths === undefined) {
      paths = { literal: new Map(), shapes: new Map() };
      this.#projects.set(project, paths);
    }
    const segments = path.slice(1).split("/");
    const parameters = segments.flatMap((part, position) =>
      part.startsWith(":") ? [{ name: part.slice(1), position }] : [],
    );
    const binding = { segment: `${project}:${name}`, method, parameters };
    const byPath =
      parameters.length === 0 ? paths.literal : shapeOf(paths, segments.length, parameters).byShape;
    const key = routeShape(path);
    const bindings = byPath.get(key) ?? new Map<string, PathBinding>();
    bindings.set(method, binding);
    byPath.set(key, bindings);
  }
}

/** The route that a function has: that of what most of its production traffic goes to. */
function productionRoute(functionPlan: FunctionPlan): ManifestRoute | undefined {
  const target = heaviestTarget(functionPlan.aliases.get("production") ?? []);
  return target && functionPlan.deployments.get(target.revision)?.manifest.route;
}

function shapeOf(paths: ProjectPaths, count: number, parameters: readonly Parameter[]): Shape {
  const mask = parameters.reduce((bits, { position }) => bits | (1 << position), 0);
  const list = paths.shapes.get(count) ?? [];
  paths.shapes.set(count, list);
  const known = list.find((shape) => shape.mask === mask);
  if (known !== undefined) return known;
  const shape = { mask, byShape: new Map<string, Bindings>() };
  list.push(shape);
  return shape;
}

/** Orders arrangements so that at the first segment where they differ the literal one is tried first. */
function literalsFirst(a: number, b: number): number {
  const difference = a ^ b;
  const first = difference & -difference;
  return (a & first) === 0 ? -1 : 1;
}

/** The binding for the method; otherwise the methods there are go to `allow`. */
function take(bindings: Bindings, method: string, allow: Set<string>): PathBinding | undefined {
  const found =
    bindings.get(method) ??
    (method === "HEAD" ? bindings.get("GET") : undefined) ??
    bindings.get("ANY");
  if (found !== undefined) return found;
  for (const known of bindings.keys()) allow.add(known);
  if (bindings.has("GET")) allow.add("HEAD");
  return undefined;
}

/** The path with the masked segments unnamed; an empty segment is no value for a parameter. */
function unnamed(segments: readonly string[], mask: number): string {
  let key = "";
  for (const [position, segment] of segments.entries()) {
    const isParameter = (mask & (1 << position)) !== 0;
    key += isParameter && segment !== "" ? "/:" : `/${segment}`;
  }
  return key;
}

function paramsOf({ parameters }: PathBinding, segments: readonly string[]): string {
  return parameters
    .map(({ name, position }) => `${name}=${encoded(segments[position] ?? "")}`)
    .join("&");
}

/** What a path may hold as it is and `name=value&…` may not. */
function encoded(segment: string): string {
  return segment.replace(/[+&=]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
