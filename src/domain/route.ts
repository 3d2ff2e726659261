/** Methods that a manifest may bind its route to; `ANY` takes what no other function of the path takes. */
export const routeMethods = ["GET", "POST", "PUT", "PATCH", "DELETE", "ANY"] as const;
export type RouteMethod = (typeof routeMethods)[number];

/** Where a function answers at the server's root. */
export interface ManifestRoute {
  /** Literal segments and `:name` parameters, each a whole segment: `/todos/:id`. */
  readonly path: string;
  readonly method: RouteMethod;
}

/** First segments that the server keeps for itself. */
const reservedRouteSegments: ReadonlySet<string> = new Set([
  "fn",
  "api",
  "console",
  "deploy",
  "invoke",
  "delete",
  "scripts",
  "stats",
  "health",
  "metrics",
  "mcp",
  ".well-known",
  "favicon.ico",
]);

export const routeLengthMax = 512;
/** One bit of a number stands for each segment when routes with parameters are looked up. */
export const routeSegmentsMax = 16;

/** Whether no route leads below the first segment of the path, in whatever case it is written. */
export function isReservedPath(path: string): boolean {
  const end = path.slice(1).search(/[/?]/);
  const first = end < 0 ? path.slice(1) : path.slice(1, end + 1);
  return reservedRouteSegments.has(first.toLowerCase());
}

/** The path with its parameters unnamed: equal shapes match the same requests. */
export function routeShape(path: string): string {
  return path.replace(/:[^/]+/g, ":");
}

/** What only one function of a project may claim. */
export function routeClaim({ method, path }: ManifestRoute): string {
  return `${method} ${routeShape(path)}`;
}
