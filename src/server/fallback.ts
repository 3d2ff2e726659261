import { type Admin, adminPrefixes } from "../admin/admin.ts";
import { isWorkerPath } from "../admin/workers/worker-api.ts";
import { edgeHeaders } from "../admin/edge.ts";
import type { Ids } from "../base/ids.ts";
import { requireScope } from "../domain/caller.ts";
import { errorEnvelope, ReactorError } from "../domain/errors.ts";
import type { HttpExchange } from "../http/http-exchange.ts";
import { targetError } from "../http/target-error.ts";
import type { Metrics } from "./metrics.ts";

export interface FallbackOptions {
  readonly admin: Admin;
  readonly metrics: Metrics;
  readonly ids: Ids;
}

/** Answers what is no invocation: the admin API, the worker family's, `/metrics`, and 404 for the rest. */
export function createFallback(options: FallbackOptions): (http: HttpExchange) => void {
  return (http) => {
    const [path = "/"] = http.target.split("?", 1);
    const unreadable = targetError(path);
    if (unreadable !== undefined) {
      answerError(options, http, unreadable);
    } else if (adminPrefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}/`))) {
      options.admin.handler(http);
    } else if (isWorkerPath(path)) {
      options.admin.workerHandler(http);
    } else if (path === "/metrics") {
      void answerMetrics(options, http);
    } else {
      const message = `Nothing is served at ${JSON.stringify(path.slice(0, 200))}; functions are below /fn/v1/, the admin API below /api/v1/`;
      answerError(options, http, new ReactorError("route_not_found", message));
    }
  };
}

async function answerMetrics(options: FallbackOptions, http: HttpExchange): Promise<void> {
  try {
    requireScope(options.admin.admit(http), "metrics:read");
    if (http.method !== "GET" && http.method !== "HEAD") throw notByMethod(http.method);
    const body = await options.metrics.text();
    const headers = ["content-type", options.metrics.contentType];
    for (const [name, value] of edgeHeaders) headers.push(name, value);
    const bytes = Buffer.from(body);
    http.whole(200, headers, bytes, bytes.length);
  } catch (error) {
    const failure =
      error instanceof ReactorError
        ? error
        : new ReactorError("internal_error", "Cannot read the metrics", { cause: error });
    answerError(options, http, failure);
  }
}

function answerError(options: FallbackOptions, http: HttpExchange, error: ReactorError): void {
  const requestId = options.ids.next("req");
  const body = Buffer.from(JSON.stringify(errorEnvelope(error, requestId)));
  const headers = ["content-type", "application/json", "x-request-id", requestId];
  if (error.code === "auth_required") headers.push("www-authenticate", 'Bearer realm="reactor"');
  if (error.code === "method_not_allowed") headers.push("allow", String(error.details["allow"]));
  if (error.retryAfterSecs !== undefined) {
    headers.push("retry-after", String(error.retryAfterSecs));
  }
  for (const [name, value] of edgeHeaders) headers.push(name, value);
  http.whole(error.status, headers, body, body.length);
}

function notByMethod(method: string): ReactorError {
  return new ReactorError(
    "method_not_allowed",
    `${method} is not possible at "/metrics"; send GET`,
    {
      details: { allow: "GET, HEAD" },
    },
  );
}
