import { errorEnvelope, ReactorError } from "../domain/errors.ts";
import type { HttpExchange } from "../http/http-exchange.ts";

/** What the caller may see of an error. */
export interface ErrorView {
  readonly requestId: string;
  readonly seesStacks: boolean;
  readonly stack: string | undefined;
  /** Header lines, each with its end. */
  readonly lines: string;
}

/** Sends the error envelope as the whole answer. */
export function answerError(http: HttpExchange, error: ReactorError, view: ErrorView): void {
  const body = Buffer.from(JSON.stringify(errorEnvelope(visible(error, view), view.requestId)));
  let lines = `Content-Type: application/json\r\nX-Request-Id: ${view.requestId}\r\n${view.lines}`;
  if (error.retryAfterSecs !== undefined) lines += `Retry-After: ${error.retryAfterSecs}\r\n`;
  if (error.code === "auth_required") lines += 'WWW-Authenticate: Bearer realm="reactor"\r\n';
  http.whole(error.status, lines, body);
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
