import type { ManifestCors } from "../domain/cors.ts";
import { ReactorError } from "../domain/errors.ts";
import type { RequestHeaders } from "./request-headers.ts";

const allMethods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/** Whether a browser asks before it sends the request proper. */
export function isPreflight(
  method: string,
  { origin, requestedMethod }: Pick<RequestHeaders, "origin" | "requestedMethod">,
): boolean {
  return method === "OPTIONS" && origin !== undefined && requestedMethod !== undefined;
}

/** The header lines of an answer by which a browser lets the page read it; "" when it may not. */
export function corsLines(cors: ManifestCors, origin: string | undefined): string {
  const { exposeHeaders } = cors;
  const allowed = allowLines(cors, origin);
  const exposed = allowed !== "" && exposeHeaders.length > 0;
  return `${allowed}${exposed ? `Access-Control-Expose-Headers: ${exposeHeaders.join(", ")}\r\n` : ""}${varyLine(cors)}`;
}

/**
 * The header lines of a preflight's answer, or the refusal that says which setting would allow it.
 * `method` is the route's own; undefined on ways in that take every method.
 */
export function preflightLines(
  cors: ManifestCors,
  headers: RequestHeaders,
  method: string | undefined,
): string | ReactorError {
  const allowed = allowLines(cors, headers.origin);
  if (allowed === "") {
    return new ReactorError(
      "permission_denied",
      `The origin ${JSON.stringify((headers.origin ?? "").slice(0, 200))} may not call this function: cors.origins in its manifest does not list it`,
    );
  }
  const methods = cors.methods ?? (method === undefined ? allMethods : [method]);
  return `${allowed}Access-Control-Allow-Methods: ${methods.join(", ")}\r\nAccess-Control-Allow-Headers: ${cors.headers.join(", ")}\r\nAccess-Control-Max-Age: ${cors.maxAgeSecs}\r\n${varyLine(cors)}`;
}

function allowLines({ origins, credentials }: ManifestCors, origin: string | undefined): string {
  if (origin === undefined) return "";
  const named = origins.includes("*") ? "*" : origins.find((known) => known === origin);
  if (named === undefined) return "";
  const signedIn = credentials ? "Access-Control-Allow-Credentials: true\r\n" : "";
  return `Access-Control-Allow-Origin: ${named}\r\n${signedIn}`;
}

/** A cache must not give one origin's answer to another. */
function varyLine({ origins }: ManifestCors): string {
  return origins.includes("*") ? "" : "Vary: Origin\r\n";
}
