import { ReactorError } from "../domain/errors.ts";
import type { HttpExchange } from "../http/http-exchange.ts";
import type { RequestHeaders } from "./request-headers.ts";

/** What a browser says of pages on local names, whatever their port, and of what a person typed. */
const localSites: ReadonlySet<string> = new Set(["same-origin", "same-site", "none"]);

const safeMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * Guards a `dev` server, whose functions are public, against pages of other sites and against names
 * that were rebound to loopback: every request needs a local Host, and one that may change something
 * a local Origin when a browser sent it. Undefined when it may pass.
 */
export function sameSiteRefusal(
  { method, host }: HttpExchange,
  headers: RequestHeaders,
  functionsDomain: string,
): ReactorError | undefined {
  if (host !== undefined && !isLocal(host, functionsDomain)) {
    return refusal(`its Host "${host.slice(0, 100)}" is not a local name`);
  }
  if (safeMethods.has(method)) return undefined;
  if (headers.origin !== undefined) {
    const origin = headers.origin.replace(/^https?:\/\//i, "");
    if (origin === headers.origin || !isLocal(origin, functionsDomain)) {
      return refusal(`its Origin "${headers.origin.slice(0, 100)}" is another site`);
    }
  }
  const { fetchSite } = headers;
  return fetchSite === undefined || localSites.has(fetchSite)
    ? undefined
    : refusal(`a browser says that it is ${fetchSite.slice(0, 100)}`);
}

function isLocal(host: string, functionsDomain: string): boolean {
  const name = host.toLowerCase().replace(/:[0-9]+$/, "");
  return (
    name === "localhost" ||
    name.endsWith(".localhost") ||
    name === "[::1]" ||
    /^127(?:\.[0-9]{1,3}){3}$/.test(name) ||
    name === functionsDomain ||
    name.endsWith(`.${functionsDomain}`)
  );
}

function refusal(why: string): ReactorError {
  return new ReactorError(
    "permission_denied",
    `Cannot accept this request on a development server: ${why}`,
  );
}
