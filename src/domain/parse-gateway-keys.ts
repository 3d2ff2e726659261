import type { ManifestCors } from "./cors.ts";
import { invalidManifest, type ManifestReader, shown } from "./manifest-reader.ts";
import type { ManifestRateLimit } from "./rate-limit.ts";
import { isReservedPath, type ManifestRoute, routeMethods, routeSegmentsMax } from "./route.ts";

const literalPattern = /^(?!\.{1,2}$)[A-Za-z0-9._~-]+$/;
const parameterPattern = /^:[A-Za-z][A-Za-z0-9_]{0,31}$/;

/**
 * The route of a manifest; undefined when it claims none. With `byName` a manifest without one gets
 * `/<name>`, as the Flux family and projects have it.
 */
export function parseRoute(
  read: ManifestReader,
  name: string,
  byName: boolean,
): ManifestRoute | undefined {
  const written = read.string("/route");
  const method = read.string("/method");
  const path = written ?? (byName ? `/${name}` : undefined);
  if (path === undefined) {
    if (method === undefined) return undefined;
    throw invalidManifest("/method", 'it binds a route, and there is none; add "route": "/…"');
  }
  const fault = routeFault(path);
  if (fault !== undefined) {
    const whose = written === undefined ? "the default route " : "it is ";
    throw invalidManifest("/route", `${whose}${shown(path)}, ${fault}`);
  }
  return { path, method: routeMethods.find((known) => known === method) ?? "POST" };
}

function routeFault(path: string): string | undefined {
  if (!path.startsWith("/")) return 'must start with "/"';
  if (path === "/") return undefined;
  const segments = path.slice(1).split("/");
  if (segments.length > routeSegmentsMax) return `must have at most ${routeSegmentsMax} segments`;
  const odd = segments.find((part) => !literalPattern.test(part) && !parameterPattern.test(part));
  if (odd !== undefined) {
    return `and its segment ${shown(odd)} must be letters, digits and ._~- or a parameter such as ":id"`;
  }
  const parameters = segments.filter((part) => part.startsWith(":"));
  if (new Set(parameters).size < parameters.length) return "must name each parameter once";
  if (isReservedPath(path)) {
    return `must not start with "/${segments[0]}", which the server uses itself; choose another route`;
  }
  return undefined;
}

/** What a page needs to send a key and a JSON body. */
const headersDefault = ["authorization", "content-type", "x-reactor-key"];
/** What a page needs to report a failed call, and to know when to try again. */
const exposeHeadersDefault = ["retry-after", "x-request-id"];

const originPattern =
  /^https?:\/\/(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?$/;

/** The CORS settings of a manifest; undefined when it has none, and then the function answers itself. */
export function parseCors(read: ManifestReader): ManifestCors | undefined {
  const origins = read.strings("/cors/origins");
  const methods = read.strings("/cors/methods");
  const headers = read.strings("/cors/headers");
  const exposeHeaders = read.strings("/cors/expose_headers");
  const credentials = read.boolean("/cors/credentials");
  const maxAgeSecs = read.number("/cors/max_age_secs");
  const others = [methods, headers, exposeHeaders, credentials, maxAgeSecs];
  if (origins === undefined || origins.length === 0) {
    if (origins === undefined && others.every((value) => value === undefined)) return undefined;
    throw invalidManifest(
      "/cors/origins",
      'it names no origin; list origins such as "https://app.example.com", or "*" for all',
    );
  }
  checkOrigins(origins, credentials ?? false);
  return {
    origins,
    methods,
    headers: headers ?? headersDefault,
    exposeHeaders: exposeHeaders ?? exposeHeadersDefault,
    credentials: credentials ?? false,
    maxAgeSecs: maxAgeSecs ?? 600,
  };
}

function checkOrigins(origins: readonly string[], credentials: boolean): void {
  for (const [index, origin] of origins.entries()) {
    if (origin === "*" || originPattern.test(origin)) continue;
    throw invalidManifest(
      `/cors/origins/${index}`,
      `it is ${shown(origin)}, must be "*" or an origin in lower case without a path, such as "https://app.example.com"`,
    );
  }
  if (!origins.includes("*")) return;
  if (credentials) {
    throw invalidManifest(
      "/cors/credentials",
      'it is true and the origins are "*": every site could act for whoever is signed in; list the origins',
    );
  }
  if (origins.length > 1) {
    throw invalidManifest("/cors/origins", 'it lists "*" beside other origins; keep one of them');
  }
}

/** The rate limit of a manifest; undefined when it has none. */
export function parseRateLimit(read: ManifestReader): ManifestRateLimit | undefined {
  const requests = read.number("/rate_limit/requests");
  const periodSecs = read.number("/rate_limit/period_secs");
  const by = read.string("/rate_limit/by");
  if (requests === undefined) {
    if (periodSecs === undefined && by === undefined) return undefined;
    throw invalidManifest("/rate_limit/requests", "it is absent; say how many requests may come");
  }
  return {
    requests,
    periodMs: (periodSecs ?? 60) * 1000,
    by: by === "address" ? "address" : "caller",
  };
}
