/** A way by which a request gets into the server. */
export interface WayIn {
  readonly name: string;
  /** The Host header. */
  readonly host: string;
  /** What the request target begins with. */
  readonly prefix: string;
}

/** Every way to the function of this name in the default project, which has an alias `beta` and a revision 1. */
export function waysToFunction(name: string): readonly WayIn[] {
  return [
    { name: "path", host: "x", prefix: `/fn/v1/${name}` },
    { name: "alias", host: "x", prefix: `/fn/v1/${name}@beta` },
    { name: "revision", host: "x", prefix: `/fn/v1/${name}@1` },
    { name: "project", host: "x", prefix: `/fn/v1/default:${name}` },
    { name: "function host", host: `${name}.fn.localhost`, prefix: "" },
    { name: "alias host", host: `beta--${name}.fn.localhost:8080`, prefix: "" },
    {
      name: "absolute form",
      host: `${name}.fn.localhost`,
      prefix: `http://${name}.fn.localhost`,
    },
  ];
}

/** The way of a function with the route `/:a/:b` for any method; it sees the same paths as on its own host. */
export const routeWay: WayIn = { name: "route", host: "x", prefix: "" };

/** The manifest's keys that make `wayBelow` lead to a function. */
export const routeBelow = (segment: string): Record<string, unknown> => ({
  route: `/${segment}/:part`,
  method: "ANY",
});

/** The way by such a route; the function sees the segment in front of its paths. */
export const wayBelow = (segment: string): WayIn => ({
  name: "route",
  host: "x",
  prefix: `/${segment}`,
});

/** The worker family's way: by POST, and nothing but a query may follow. */
export const invokeWay = (name: string): WayIn => ({
  name: "invoke",
  host: "127.0.0.1",
  prefix: `/invoke/${name}`,
});
