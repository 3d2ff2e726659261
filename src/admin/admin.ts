import { type Context, Hono } from "hono";
import { ReactorError } from "../domain/errors.ts";
import { answerByFetch } from "../http/answer-by-fetch.ts";
import { checkSite } from "../http/check-site.ts";
import type { HttpExchange } from "../http/http-exchange.ts";
import type { Caller } from "../domain/caller.ts";
import { admitRequest } from "./access.ts";
import { edgeHeaders } from "./edge.ts";
import { errorAnswer } from "./error-answer.ts";
import { createFailureLimit, type FailureLimit } from "../http/failure-limit.ts";
import { createFollowerSet } from "./follower-set.ts";
import { openApiDocument } from "./open-api-document.ts";
import type { Operation } from "./operation.ts";
import { operations } from "./operations.ts";
import { type AdminOptions, defaultAdminLimits } from "./options.ts";
import { requestIdOf } from "./request-id.ts";
import type { AdminServices } from "./services.ts";
import { answerWorkerRequest } from "./workers/worker-api.ts";

/** Below these the admin API answers; the second has only what is below `/functions`. */
export const adminPrefixes = ["/api", "/fn/v1/_admin"] as const;

/** What an operation knows beside its request. */
interface AdminBindings {
  readonly http: HttpExchange;
}

interface AdminEnv {
  Bindings: AdminBindings;
  Variables: { requestId: string };
}

export interface Admin {
  /** Answers a request whose path is below one of `adminPrefixes`. Never throws. */
  handler(http: HttpExchange): void;
  /** Answers a request to the worker family's API. Never throws. */
  workerHandler(http: HttpExchange): void;
  /** Who sends a request to another of the server's own paths. Throws when the API would refuse it. */
  admit(http: HttpExchange): Caller;
  /** Ends the log followers, so that the server's connections can close. */
  close(): void;
}

/** The admin API: parses requests into commands of the control plane. */
export function createAdmin(options: AdminOptions): Admin {
  const limits = { ...defaultAdminLimits, ...options.limits };
  const followers = createFollowerSet(limits.followersMax);
  let openApiText: string | undefined;
  const services: AdminServices = {
    ...options,
    limits,
    followers,
    openApiText: () => (openApiText ??= JSON.stringify(openApiDocument(options.version))),
  };
  const failures = createFailureLimit({ clock: options.clock, ...limits });
  const app = createApp(services, failures);
  return {
    handler(http) {
      answerByFetch(http, {
        fetch: (request) => app.fetch(request, { http }),
        malformed: (cause) => malformedAnswer(cause, services),
      }).catch((error: unknown) => {
        options.log.error("An admin answer could not be written", { error: String(error) });
      });
    },
    workerHandler: (http) => answerWorkerRequest(http, { services, failures }),
    admit(http) {
      checkSite(http, options.hosts);
      return admitRequest(http, { open: false, services, failures }).caller;
    },
    close: () => followers.close(),
  };
}

function createApp(services: AdminServices, failures: FailureLimit): Hono<AdminEnv> {
  const app = new Hono<AdminEnv>();
  app.use(async (c, next) => {
    c.set("requestId", requestIdOf(c.req.raw.headers, services.ids));
    await next();
    withEdgeHeaders(c.res.headers, c.get("requestId"));
  });
  app.use(async (c, next) => {
    checkSite(c.env.http, services.hosts);
    await next();
  });
  const mounted = mountedOperations();
  for (const { path, operation } of mounted) {
    app.on([operation.method.toUpperCase()], [path.replaceAll(/\{(\w+)\}/g, ":$1")], (c) =>
      answer(c, operation, services, failures),
    );
  }
  app.notFound((c) => {
    throw notServed(c.req.path, c.req.method, mounted);
  });
  app.onError((error, c) => errorAnswer(error, c.get("requestId"), services.log));
  return app;
}

interface Mounted {
  readonly path: string;
  readonly operation: Operation;
}

/** Every operation under `/api/v1`, and the functions' again where the Reactor family looks for them. */
function mountedOperations(): readonly Mounted[] {
  return operations.flatMap((operation) => [
    { path: `/api/v1${operation.path}`, operation },
    ...(operation.path.startsWith("/functions")
      ? [{ path: `/fn/v1/_admin${operation.path}`, operation }]
      : []),
  ]);
}

async function answer(
  c: Context<AdminEnv>,
  operation: Operation,
  services: AdminServices,
  failures: FailureLimit,
): Promise<Response> {
  const { http } = c.env;
  const { tokenParameter } = operation;
  const hasToken = tokenParameter !== undefined && c.req.query(tokenParameter) !== undefined;
  const { caller, mayGoOn } = admitRequest(http, {
    open: operation.open || hasToken,
    services,
    failures,
  });
  return operation.answer({
    request: c.req.raw,
    params: c.req.param(),
    caller,
    requestId: c.get("requestId"),
    mayGoOn,
    disconnect: () => http.abort(),
    processing: () => http.processing(),
    services,
  });
}

/** 405 with the methods when the path exists, else 404. */
function notServed(path: string, method: string, mounted: readonly Mounted[]): ReactorError {
  const allowed = new Set(
    mounted
      .filter((entry) => matches(entry.path, path))
      .map(({ operation }) => operation.method.toUpperCase()),
  );
  if (allowed.size === 0) {
    return new ReactorError(
      "route_not_found",
      `Nothing is served at ${JSON.stringify(path.slice(0, 200))}; /api/v1/openapi.json lists what is`,
    );
  }
  if (allowed.has("GET")) allowed.add("HEAD");
  const allow = [...allowed].sort().join(", ");
  return new ReactorError(
    "method_not_allowed",
    `${method} is not possible at ${JSON.stringify(path.slice(0, 200))}; allowed: ${allow}`,
    { details: { allow } },
  );
}

function matches(template: string, path: string): boolean {
  const wanted = template.split("/");
  const given = path.split("/");
  return (
    wanted.length === given.length &&
    wanted.every((part, i) => (part.startsWith("{") ? given[i] !== "" : part === given[i]))
  );
}

function withEdgeHeaders(headers: Headers, requestId: string): void {
  for (const [name, value] of edgeHeaders) headers.set(name, value);
  headers.set("X-Request-Id", requestId);
}

/** A request that is no proper HTTP request: bad Host, bad target. */
function malformedAnswer(cause: unknown, services: AdminServices): Response {
  const why = cause instanceof Error ? cause.message : String(cause);
  const requestId = services.ids.next("req");
  const response = errorAnswer(
    new ReactorError("invalid_request", `The request is malformed: ${why}`, { cause }),
    requestId,
    services.log,
  );
  withEdgeHeaders(response.headers, requestId);
  return response;
}
