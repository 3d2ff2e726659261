import type { ErrorCode, ErrorDetails } from "../domain/errors.ts";

/**
 * Codes a client may see: the server's catalogue, `unreachable` (no answer came: wrong URL, server
 * down, connection lost) and `unexpected_response` (an answer that no Reactor server gives).
 */
export type ClientErrorCode = ErrorCode | "unreachable" | "unexpected_response";

/** Any failed call. `status` is 0 when no HTTP answer came. */
export class ClientError extends Error {
  readonly code: ClientErrorCode;
  readonly status: number;
  readonly details: ErrorDetails;
  /** The server's request id, to find the call in its log. */
  readonly requestId: string | undefined;
  /** Seconds after which a retry may help. */
  readonly retryAfterSecs: number | undefined;

  constructor(
    code: ClientErrorCode,
    message: string,
    options: {
      status?: number;
      details?: ErrorDetails;
      requestId?: string | undefined;
      retryAfterSecs?: number | undefined;
      cause?: unknown;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "ClientError";
    this.code = code;
    this.status = options.status ?? 0;
    this.details = options.details ?? {};
    this.requestId = options.requestId;
    this.retryAfterSecs = options.retryAfterSecs;
  }
}
