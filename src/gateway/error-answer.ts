import { errorEnvelope, ReactorError } from "../domain/errors.ts";
import { type WorkerCall, workerError } from "../domain/worker-error.ts";
import type { HttpExchange } from "../http/http-exchange.ts";

/** What the caller may see of an error. */
export interface ErrorView {
  readonly requestId: string;
  readonly seesStacks: boolean;
  readonly stack: string | undefined;
  /** The error takes the worker family's shape when there is one. */
  readonly worker: WorkerCall | undefined;
  /** Header lines, each with its end. */
  readonly lines: string;
}

/** Sends the error as the whole answer. */
export function answerError(http: HttpExchange, error: ReactorError, view: ErrorView): void {
  const { status, body } =
    view.worker === undefined ? asEnvelope(error, view) : asWorker(error, view.worker);
  let lines = `Content-Type: application/json\r\nX-Request-Id: ${view.requestId}\r\n${view.lines}`;
  if (error.retryAfterSecs !== undefined) lines += `Retry-After: ${error.retryAfterSecs}\r\n`;
  if (error.code === "auth_required") lines += 'WWW-Authenticate: Bearer realm="reactor"\r\n';
  if (error.code === "method_not_allowed") lines += `Allow: ${String(error.details["allow"])}\r\n`;
  http.whole(status, lines, Buffer.from(JSON.stringify(body)));
}

interface ShapedError {
  readonly status: number;
  readonly body: object;
}

function asEnvelope(error: ReactorError, view: ErrorView): ShapedError {
  return { status: error.status, body: errorEnvelope(visible(error, view), view.requestId) };
}

function asWorker(error: ReactorError, call: WorkerCall): ShapedError {
  const { status, message } = workerError(error, call);
  return { status, body: { error: message } };
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
