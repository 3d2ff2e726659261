import type { IncomingMessage, ServerResponse } from "node:http";
import { type Admin, adminPrefixes } from "../admin/admin.ts";
import type { Ids } from "../base/ids.ts";
import type { ControlPlane } from "../control/control-plane.ts";
import { anonymousCaller, requireScope } from "../domain/caller.ts";
import { errorEnvelope, ReactorError } from "../domain/errors.ts";
import type { Metrics } from "./metrics.ts";

export interface FallbackOptions {
  readonly admin: Admin;
  readonly metrics: Metrics;
  readonly control: ControlPlane;
  readonly ids: Ids;
}

/** Answers what is no invocation: the admin API, `/metrics`, and 404 for the rest. */
export function createFallback(
  options: FallbackOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const [path = "/"] = (request.url ?? "/").split("?", 1);
    if (adminPrefixes.some((prefix) => path === prefix || path.startsWith(`${prefix}/`))) {
      options.admin.handler(request, response);
    } else if (path === "/metrics") {
      void answerMetrics(options, request, response);
    } else {
      const message = `Nothing is served at ${JSON.stringify(path.slice(0, 200))}; functions are below /fn/v1/, the admin API below /api/v1/`;
      answerError(options, response, new ReactorError("route_not_found", message));
    }
  };
}

async function answerMetrics(
  options: FallbackOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    const credential = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
    const caller = credential === undefined ? undefined : options.control.authenticate(credential);
    requireScope(caller ?? anonymousCaller, "metrics:read");
    const body = await options.metrics.text();
    response.writeHead(200, {
      "content-type": options.metrics.contentType,
      "cache-control": "no-store",
    });
    response.end(request.method === "HEAD" ? undefined : body);
  } catch (error) {
    const failure =
      error instanceof ReactorError
        ? error
        : new ReactorError("internal_error", "Cannot read the metrics", { cause: error });
    answerError(options, response, failure);
  }
}

function answerError(
  options: FallbackOptions,
  response: ServerResponse,
  error: ReactorError,
): void {
  const requestId = options.ids.next("req");
  response.writeHead(error.status, {
    "content-type": "application/json",
    "x-request-id": requestId,
  });
  response.end(JSON.stringify(errorEnvelope(error, requestId)));
}
