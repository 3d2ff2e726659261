import { type Admin, adminPrefixes } from "../admin/admin.ts";
import { isWorkerPath } from "../admin/workers/worker-api.ts";
import type { Ids } from "../base/ids.ts";
import type { ControlPlane } from "../control/control-plane.ts";
import { anonymousCaller, requireScope } from "../domain/caller.ts";
import { errorEnvelope, ReactorError } from "../domain/errors.ts";
import { headerValue } from "../http/header-value.ts";
import type { HttpExchange } from "../http/http-exchange.ts";
import type { Metrics } from "./metrics.ts";

export interface FallbackOptions {
  readonly admin: Admin;
  readonly metrics: Metrics;
  readonly control: ControlPlane;
  readonly ids: Ids;
}

/** Answers what is no invocation: the admin API, the worker family's, `/metrics`, and 404 for the rest. */
export function createFallback(options: FallbackOptions): (http: HttpExchange) => void {
  return (http) => {
    const [path = "/"] = http.target.split("?", 1);
    if (adminPrefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}/`))) {
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
    const credential = /^Bearer (\S+)$/i.exec(
      headerValue(http.headers, "authorization") ?? "",
    )?.[1];
    const caller = credential === undefined ? undefined : options.control.authenticate(credential);
    requireScope(caller ?? anonymousCaller, "metrics:read");
    const body = await options.metrics.text();
    const headers = ["content-type", options.metrics.contentType, "cache-control", "no-store"];
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
  http.whole(error.status, headers, body, body.length);
}
