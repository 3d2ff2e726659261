import { type ErrorCode, errorCatalogue, type ErrorDetails } from "../domain/errors.ts";
import { ClientError } from "./client-error.ts";

/** The error of an answer that is no success; `body` is its JSON when it was JSON. */
export function responseError(body: unknown, response: Response, url: string): ClientError {
  const error = isRecord(body) && isRecord(body["error"]) ? body["error"] : undefined;
  const requestId = response.headers.get("x-request-id") ?? undefined;
  const retryAfter = Number(response.headers.get("retry-after") ?? Number.NaN);
  const retryAfterSecs = Number.isFinite(retryAfter) ? retryAfter : undefined;
  const { status } = response;
  if (error && isErrorCode(error["code"]) && typeof error["message"] === "string") {
    const details: ErrorDetails = isRecord(error["details"]) ? error["details"] : {};
    return new ClientError(error["code"], error["message"], {
      status,
      details,
      requestId,
      retryAfterSecs,
    });
  }
  return new ClientError(
    "unexpected_response",
    `${url} answered ${status} without Reactor's error envelope; is this the URL of a Reactor server?`,
    { status, requestId, retryAfterSecs },
  );
}

/** The same for a response whose body was not read yet. */
export async function unreadResponseError(response: Response, url: string): Promise<ClientError> {
  const text = await response.text();
  try {
    return responseError(JSON.parse(text), response, url);
  } catch (cause) {
    if (cause instanceof SyntaxError) return responseError(text, response, url);
    throw cause;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === "string" && Object.hasOwn(errorCatalogue, code);
}
