import type { Log } from "../base/log.ts";
import { errorEnvelope, ReactorError } from "../domain/errors.ts";

/** The envelope of whatever was thrown. What is not a ReactorError is a bug: logged, and told without its text. */
export function errorAnswer(thrown: unknown, requestId: string, log: Log): Response {
  const error = asReactorError(thrown, requestId, log);
  const headers = new Headers({ "Content-Type": "application/json" });
  if (error.retryAfterSecs !== undefined) headers.set("Retry-After", String(error.retryAfterSecs));
  if (error.code === "auth_required") headers.set("WWW-Authenticate", 'Bearer realm="reactor"');
  if (error.code === "method_not_allowed") headers.set("Allow", String(error.details["allow"]));
  // What is left of a body that was not read cannot be told from a next request.
  if (error.status === 413) headers.set("Connection", "close");
  return new Response(JSON.stringify(errorEnvelope(error, requestId)), {
    status: error.status,
    headers,
  });
}

/** What was thrown, told in the log when it is the server's fault. */
export function asReactorError(thrown: unknown, requestId: string, log: Log): ReactorError {
  if (!(thrown instanceof ReactorError)) return hidden(thrown, requestId, log);
  if (thrown.status >= 500) {
    log.warn(thrown.message, { code: thrown.code, request_id: requestId, cause: causeOf(thrown) });
  }
  return thrown;
}

function hidden(thrown: unknown, requestId: string, log: Log): ReactorError {
  log.error("An admin request failed unexpectedly", {
    request_id: requestId,
    error: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown),
  });
  return new ReactorError(
    "internal_error",
    "The request failed because of a bug in Reactor; the server's log has it under the request id",
    { cause: thrown },
  );
}

function causeOf({ cause }: ReactorError): string | undefined {
  if (cause === undefined) return undefined;
  return cause instanceof Error ? cause.message : JSON.stringify(cause);
}
