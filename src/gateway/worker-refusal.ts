import { ReactorError } from "../domain/errors.ts";
import { checkHost } from "../http/check-host.ts";
import { checkOrigin } from "../http/check-origin.ts";
import { headerValue } from "../http/header-value.ts";
import type { HttpExchange } from "../http/http-exchange.ts";
import type { RequestHeaders } from "./request-headers.ts";

/**
 * Why a request to `/invoke/{id}` is refused before anybody asks for the script: the family takes
 * JSON by POST, and never from a page of another site, whatever the script's access is.
 */
export function workerRefusal(
  http: HttpExchange,
  headers: RequestHeaders,
  hosts: readonly string[],
): ReactorError | undefined {
  const { method, host } = http;
  try {
    checkHost(host, hosts, http.localAddress);
    const { origin, fetchSite } = headers;
    checkOrigin({ method, host, origin, fetchSite, fetchMode: undefined });
  } catch (error) {
    if (error instanceof ReactorError) return error;
    throw error;
  }
  if (method !== "POST") {
    return new ReactorError("method_not_allowed", `Cannot invoke by ${method}: send POST`, {
      details: { allow: "POST" },
    });
  }
  const type = headerValue(http.headers, "content-type");
  if (!http.hasBody || /^application\/json\s*(?:;|$)/i.test(type ?? "")) return undefined;
  return new ReactorError(
    "unsupported_media_type",
    `Cannot read a body of ${type === undefined ? "no content type" : JSON.stringify(type.slice(0, 80))}: send application/json`,
    { details: { accepted: ["application/json"] } },
  );
}
