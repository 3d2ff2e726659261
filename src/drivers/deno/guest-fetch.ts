import type { EgressRefusal, EgressRefusals } from "../guest/egress-refusals.ts";
import { refusalOfResponse, refusedFetch } from "../guest/refused-fetch.ts";

type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/**
 * Makes `fetch` fail with what the egress relay said, where Deno's own would hand out the proxy's
 * answer as if it were the destination's, or name no reason.
 */
export function failRefusedFetches(refusals: EgressRefusals): void {
  const platformFetch: Fetch = globalThis.fetch;
  const fetch: Fetch = async (input, init) => {
    let response: Response;
    try {
      response = await platformFetch(input, init);
    } catch (error) {
      const refusal = refusalOfTunnel(error, refusals);
      throw refusal === undefined ? error : refusedFetch(refusal, error);
    }
    const refusal = refusalOfResponse(response, (id) => refusals.byId(id));
    if (refusal !== undefined) throw refusedFetch(refusal);
    return response;
  };
  // Named here, since building the guest shortens the names in the code.
  Object.defineProperty(fetch, "name", { value: "fetch" });
  Object.assign(globalThis, { fetch });
}

/** Of a tunnel that the proxy refused Deno tells the URL, that of the redirect when there was one. */
function refusalOfTunnel(error: unknown, refusals: EgressRefusals): EgressRefusal | undefined {
  const cause: unknown = error instanceof TypeError ? error.cause : undefined;
  const text = cause instanceof Error ? cause.message : String(error);
  if (!text.includes("unsuccessful tunnel")) return undefined;
  const url = /error sending request for url \((\S+)\)/.exec(text)?.[1];
  return url === undefined ? undefined : refusals.ofUrl(url);
}
