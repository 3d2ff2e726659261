import { ReactorError } from "../domain/errors.ts";
import { isReservedPath } from "../domain/route.ts";
import { targetError } from "../http/target-error.ts";
import { missError } from "../serving/route-refusal.ts";
import type { Route, RouteTable } from "../serving/route-table.ts";
import { isPreflight } from "./cors.ts";
import type { HostMeaning } from "./hosts.ts";
import type { RequestHeaders } from "./request-headers.ts";

const prefix = "/fn/v1/";
const workerPrefix = "/invoke";

/** Where a request goes. */
export type Target =
  | {
      readonly kind: "function";
      readonly route: Route;
      /** What was taken off the path, e.g. `/fn/v1/hello`; "" on function hosts. */
      readonly prefix: string;
      /** What the function sees of the request target: starts with `/`. */
      readonly path: string;
      readonly sharedHost: boolean;
      /** The id below `/invoke/`; undefined on every other way in. */
      readonly workerId: string | undefined;
      /** The only method of this way in; undefined when it takes all of them. */
      readonly method: string | undefined;
      /** Values of the route's parameters as `name=value&…`; "" for none. */
      readonly params: string;
    }
  | { readonly kind: "health" }
  /** Nothing of the invocation surface: admin, console, metrics. */
  | { readonly kind: "other" }
  | {
      readonly kind: "refused";
      readonly error: ReactorError;
      readonly workerId: string | undefined;
    };

/** What decides where a request goes. */
export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly host: HostMeaning;
  readonly headers: Pick<RequestHeaders, "project" | "origin" | "requestedMethod">;
  readonly routes: RouteTable;
}

/** What a way in has that takes every method and has no parameters. */
const plain = { method: undefined, params: "" } as const;

/**
 * Finds the target of a request. Decides on the target as it is written: nothing is decoded or
 * resolved, and what a URL parser behind us would resolve differently (dot segments, backslashes)
 * is refused, so that the path that was checked is the path that the function sees.
 */
export function findTarget(asked: Asked): Target {
  const { url, host, routes } = asked;
  const { project } = asked.headers;
  if (host.functionHost) return onFunctionHost(url, host, project, routes);
  if (!url.startsWith(prefix)) return atRoot(asked);
  const end = segmentEnd(url);
  const segment = url.slice(prefix.length, end);
  if (segment === "health" && end === url.length) return { kind: "health" };
  if (segment === "" || segment.startsWith("_")) return { kind: "other" };
  const route = routes.bySegment(segment, project);
  if (typeof route === "string") return refused(missError(route, segment.slice(0, 100)));
  const rest = url.slice(end);
  const path = rest.startsWith("/") ? rest : `/${rest}`;
  const error = targetError(path);
  if (error !== undefined) return refused(error);
  const at = { prefix: url.slice(0, end), path, sharedHost: true, workerId: undefined };
  return { kind: "function", route, ...at, ...plain };
}

function atRoot(asked: Asked): Target {
  const { url, headers, routes } = asked;
  const query = url.indexOf("?");
  const path = query < 0 ? url : url.slice(0, query);
  if (path === workerPrefix || path.startsWith(`${workerPrefix}/`)) {
    return onWorkerPath(url, path, headers.project, routes);
  }
  return isReservedPath(path) ? { kind: "other" } : onRoute(asked, path);
}

/** A route of the project. Its function sees the path as it was asked for. */
function onRoute(asked: Asked, path: string): Target {
  const { method, url, host, headers, routes } = asked;
  const project = host.project ?? headers.project;
  if (headers.project !== undefined && headers.project !== project) return { kind: "other" };
  const find = (wanted: string): Target | undefined => {
    const match = routes.byPath(project, wanted, path);
    if (match === undefined) return { kind: "other" };
    if (match.binding === undefined) return refused(otherMethods(method, path, match.allow));
    const route = routes.bySegment(match.binding.segment, undefined);
    if (typeof route === "string") return refused(missError(route, path.slice(0, 100)));
    // A preflight reaches the function of the method that it asks for only to be answered for it.
    if (wanted !== method && route.edge.cors === undefined) return undefined;
    const error = targetError(url);
    if (error !== undefined) return refused(error);
    const only = match.binding.method === "ANY" ? undefined : match.binding.method;
    const at = { prefix: "", path: url, sharedHost: true, workerId: undefined };
    return { kind: "function", route, ...at, method: only, params: match.params };
  };
  const preflight = isPreflight(method, headers) ? find(headers.requestedMethod ?? "") : undefined;
  return preflight ?? (find(method) as Target);
}

function otherMethods(method: string, path: string, allow: readonly string[]): ReactorError {
  const allowed = allow.join(", ");
  return new ReactorError(
    "method_not_allowed",
    `${method} is not possible at ${JSON.stringify(path.slice(0, 200))}; allowed: ${allowed}`,
    { details: { allow: allowed } },
  );
}

/** `/invoke/{id}`: the whole rest of the path is the id, so that below it there is nothing. */
function onWorkerPath(
  url: string,
  taken: string,
  project: string | undefined,
  routes: RouteTable,
): Target {
  const workerId = taken.slice(workerPrefix.length + 1);
  const route = routes.bySegment(workerId, project);
  if (typeof route === "string") {
    return refused(missError(route, workerId.slice(0, 100)), workerId);
  }
  const path = `/${url.slice(taken.length)}`;
  const error = targetError(path);
  if (error !== undefined) return refused(error, workerId);
  return { kind: "function", route, prefix: taken, path, sharedHost: true, workerId, ...plain };
}

function onFunctionHost(
  url: string,
  host: HostMeaning,
  project: string | undefined,
  routes: RouteTable,
): Target {
  const { label } = host;
  const name = host.host ?? "";
  if (label === undefined) return refused(missError("function_not_found", name));
  const route = routes.bySlug(label.slug, label.alias, project);
  if (typeof route === "string") return refused(missError(route, name));
  if (!url.startsWith("/")) return refused(notAPath());
  const error = targetError(url);
  if (error !== undefined) return refused(error);
  const at = { prefix: "", path: url, sharedHost: false, workerId: undefined };
  return { kind: "function", route, ...at, ...plain };
}

function segmentEnd(url: string): number {
  for (let i = prefix.length; i < url.length; i++) {
    const code = url.charCodeAt(i);
    if (code === 0x2f || code === 0x3f) return i;
  }
  return url.length;
}

function notAPath(): ReactorError {
  return new ReactorError("invalid_request", "Cannot read the request target: it is not a path");
}

function refused(error: ReactorError, workerId?: string): Target {
  return { kind: "refused", error, workerId };
}
