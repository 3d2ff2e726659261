import { ReactorError } from "../../domain/errors.ts";
import { workerError } from "../../domain/worker-error.ts";
import { answerByFetch } from "../../http/answer-by-fetch.ts";
import { checkSite } from "../../http/check-site.ts";
import type { HttpExchange } from "../../http/http-exchange.ts";
import { admitRequest } from "../access.ts";
import { mediaType } from "../body.ts";
import { edgeHeaders } from "../edge.ts";
import { asReactorError } from "../error-answer.ts";
import type { FailureLimit } from "../../http/failure-limit.ts";
import { unsupportedType } from "../operation.ts";
import { requestIdOf } from "../request-id.ts";
import type { AdminServices } from "../services.ts";
import { deleteScript } from "./delete-script.ts";
import { deployScript } from "./deploy-script.ts";
import { listScripts, scriptStats, workerHealth } from "./script-reports.ts";
import type { WorkerRequest } from "./worker-request.ts";

interface WorkerRoute {
  readonly method: "GET" | "POST" | "DELETE";
  /** The rest of the path is an id. */
  readonly takesId?: true;
  /** Answers without a key. */
  readonly open?: true;
  readonly run: (call: WorkerRequest) => Promise<Response> | Response;
}

/** The worker family's paths, except `/invoke/{id}`, which is the gateway's. */
const routes: ReadonlyMap<string, WorkerRoute> = new Map<string, WorkerRoute>([
  ["/deploy", { method: "POST", run: deployScript }],
  ["/delete", { method: "DELETE", takesId: true, run: deleteScript }],
  ["/scripts", { method: "GET", run: listScripts }],
  ["/stats", { method: "GET", run: scriptStats }],
  ["/health", { method: "GET", open: true, run: workerHealth }],
]);

interface FoundRoute {
  readonly route: WorkerRoute;
  readonly id: string;
}

/** The route of a path, which is taken as it is written; undefined when it is none of the family's. */
function findRoute(path: string): FoundRoute | undefined {
  const slash = path.indexOf("/", 1);
  const route = routes.get(slash < 0 ? path : path.slice(0, slash));
  if (route === undefined || (slash >= 0 && route.takesId === undefined)) return undefined;
  return { route, id: slash < 0 ? "" : path.slice(slash + 1) };
}

/** Whether the worker family's API answers at the path. */
export function isWorkerPath(path: string): boolean {
  return findRoute(path) !== undefined;
}

/** Answers a request to the worker family's API, in that family's small shapes. Never throws. */
export function answerWorkerRequest(
  http: HttpExchange,
  context: { readonly services: AdminServices; readonly failures: FailureLimit },
): void {
  const { services } = context;
  answerByFetch(http, {
    fetch: (request) => answer(request, http, context),
    malformed: (cause) => {
      const why = cause instanceof Error ? cause.message : String(cause);
      const error = new ReactorError("invalid_request", `The request is malformed: ${why}`);
      return errorResponse(error, "", services.ids.next("req"));
    },
  }).catch((error: unknown) => {
    services.log.error("An answer of the worker API could not be written", {
      error: String(error),
    });
  });
}

async function answer(
  request: Request,
  http: HttpExchange,
  context: { readonly services: AdminServices; readonly failures: FailureLimit },
): Promise<Response> {
  const { services, failures } = context;
  const requestId = requestIdOf(request.headers, services.ids);
  const { route, id } = findRoute(pathOf(http)) ?? unserved(http);
  try {
    checkEdge(http, request, route, services);
    const { caller } = admitRequest(http, { open: route.open ?? false, services, failures });
    const response = await route.run({ request, http, id, caller, services });
    return withHeaders(response, requestId);
  } catch (thrown) {
    return errorResponse(asReactorError(thrown, requestId, services.log), id, requestId);
  }
}

function pathOf(http: HttpExchange): string {
  return http.target.split("?", 1)[0] ?? "";
}

function unserved(http: HttpExchange): never {
  throw new Error(`Assertion failed: ${pathOf(http)} is no path of the worker API`);
}

/** What is refused for its manner: another site's page, another method, another media type. */
function checkEdge(
  http: HttpExchange,
  { headers }: Request,
  route: WorkerRoute,
  services: AdminServices,
): void {
  const { method } = http;
  checkSite(http, services.hosts);
  if (method !== route.method && !(method === "HEAD" && route.method === "GET")) {
    throw new ReactorError(
      "method_not_allowed",
      `${method} is not possible at ${JSON.stringify(pathOf(http).slice(0, 200))}; send ${route.method}`,
      { details: { allow: route.method } },
    );
  }
  const type = mediaType(headers);
  const wantsBody = route.method === "POST" || http.hasBody;
  if (wantsBody && type !== "application/json") throw unsupportedType(type, ["application/json"]);
}

function errorResponse(error: ReactorError, id: string, requestId: string): Response {
  const { status, message } = workerError(error, { id, timeoutMs: undefined });
  const response = Response.json({ error: message }, { status });
  const { headers } = response;
  if (error.retryAfterSecs !== undefined) headers.set("Retry-After", String(error.retryAfterSecs));
  if (error.code === "auth_required") headers.set("WWW-Authenticate", 'Bearer realm="reactor"');
  if (error.code === "method_not_allowed") headers.set("Allow", String(error.details["allow"]));
  // What is left of a body that was not read cannot be told from a next request.
  if (status === 413) headers.set("Connection", "close");
  return withHeaders(response, requestId);
}

function withHeaders(response: Response, requestId: string): Response {
  for (const [name, value] of edgeHeaders) response.headers.set(name, value);
  response.headers.set("X-Request-Id", requestId);
  return response;
}
