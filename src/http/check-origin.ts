import { ReactorError } from "../domain/errors.ts";

/** What a request says about the page that sent it. */
export interface RequestOrigin {
  readonly method: string;
  /** The Host header. */
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** Sec-Fetch-Site. */
  readonly fetchSite: string | undefined;
  /** Sec-Fetch-Mode. */
  readonly fetchMode: string | undefined;
}

/**
 * Throws `permission_denied` when a page of another origin sent the request: browsers cannot forge
 * Origin and Sec-Fetch-Site, and other clients send neither.
 */
export function checkOrigin(request: RequestOrigin): void {
  const { method, host, origin, fetchSite, fetchMode } = request;
  if (origin !== undefined && !isSameOrigin(origin, host)) refuseOrigin(origin);
  if (fetchSite === undefined || fetchSite === "same-origin" || fetchSite === "none") return;
  // Following a link to a document is how people open an address; it changes and discloses nothing.
  if (fetchMode === "navigate" && (method === "GET" || method === "HEAD")) return;
  refuseOrigin(origin ?? fetchSite);
}

function refuseOrigin(origin: string): never {
  throw new ReactorError(
    "permission_denied",
    `Cannot accept a request from a page of ${JSON.stringify(origin.slice(0, 200))}: this server answers only to its own`,
    { details: { origin: origin.slice(0, 200) } },
  );
}

function isSameOrigin(origin: string, host: string | undefined): boolean {
  if (host === undefined || !URL.canParse(origin)) return false;
  const { protocol, host: originHost } = new URL(origin);
  if (protocol !== "http:" && protocol !== "https:") return false;
  // The scheme is the origin's own, since TLS may end at a proxy; it settles the default port.
  const own = `${protocol}//${host}`;
  return URL.canParse(own) && new URL(own).host === originHost;
}
