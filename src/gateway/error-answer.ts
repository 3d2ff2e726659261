import type { ServerResponse } from "node:http";
import { errorEnvelope, ReactorError } from "../domain/errors.ts";

/** What the caller may see of an error. */
export interface ErrorView {
  readonly requestId: string;
  readonly seesStacks: boolean;
  readonly stack: string | undefined;
  /** Header names and values in one flat list. */
  readonly headers: readonly string[];
}

/** Sends the error envelope as the whole answer. */
export function answerError(response: ServerResponse, error: ReactorError, view: ErrorView): void {
  const body = Buffer.from(JSON.stringify(errorEnvelope(visible(error, view), view.requestId)));
  const headers = [
    "Content-Type",
    "application/json",
    "Content-Length",
    String(body.length),
    "X-Request-Id",
    view.requestId,
    ...view.headers,
  ];
  if (error.retryAfterSecs !== undefined) headers.push("Retry-After", String(error.retryAfterSecs));
  if (error.code === "auth_required") headers.push("WWW-Authenticate", 'Bearer realm="reactor"');
  response.writeHead(error.status, headers);
  response.end(body);
}

/** The error without what only those with the right to its logs may see. */
function visible(error: ReactorError, view: ErrorView): ReactorError {
  const { log, ...open } = error.details;
  const details = view.seesStacks
    ? {
        ...open,
        ...(log === undefined ? {} : { log }),
        ...(view.stack === undefined ? {} : { stack: view.stack }),
      }
    : open;
  return new ReactorError(error.code, error.message, { details });
}
