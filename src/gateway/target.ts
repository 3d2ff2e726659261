import { ReactorError } from "../domain/errors.ts";
import { targetError } from "../http/target-error.ts";
import { missError } from "../serving/route-refusal.ts";
import type { Route, RouteTable } from "../serving/route-table.ts";
import type { HostMeaning } from "./hosts.ts";

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
    }
  | { readonly kind: "health" }
  /** Nothing of the invocation surface: admin, console, metrics. */
  | { readonly kind: "other" }
  | {
      readonly kind: "refused";
      readonly error: ReactorError;
      readonly workerId: string | undefined;
    };

/**
 * Finds the target of a request. Decides on the target as it is written: nothing is decoded or
 * resolved, and what a URL parser behind us would resolve differently (dot segments, backslashes)
 * is refused, so that the path that was checked is the path that the function sees.
 */
export function findTarget(options: {
  readonly url: string;
  readonly host: HostMeaning;
  readonly project: string | undefined;
  readonly routes: RouteTable;
}): Target {
  const { url, host, project, routes } = options;
  if (host.functionHost) return onFunctionHost(url, host, project, routes);
  if (!url.startsWith(prefix)) return onWorkerPath(url, project, routes);
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
  const taken = url.slice(0, end);
  return { kind: "function", route, prefix: taken, path, sharedHost: true, workerId: undefined };
}

/** `/invoke/{id}`: the whole rest of the path is the id, so that below it there is nothing. */
function onWorkerPath(url: string, project: string | undefined, routes: RouteTable): Target {
  const query = url.indexOf("?");
  const taken = query < 0 ? url : url.slice(0, query);
  if (taken !== workerPrefix && !taken.startsWith(`${workerPrefix}/`)) return { kind: "other" };
  const workerId = taken.slice(workerPrefix.length + 1);
  const route = routes.bySegment(workerId, project);
  if (typeof route === "string") {
    return refused(missError(route, workerId.slice(0, 100)), workerId);
  }
  const path = `/${url.slice(taken.length)}`;
  const error = targetError(path);
  if (error !== undefined) return refused(error, workerId);
  return { kind: "function", route, prefix: taken, path, sharedHost: true, workerId };
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
  return { kind: "function", route, ...at };
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
