import {
  type EgressRefusal,
  type EgressRefusals,
  refusalHeader,
} from "../guest/egress-refusals.ts";
import { refusalOfResponse, refusedFetch } from "../guest/refused-fetch.ts";
import { complete } from "../guest/web-request.ts";

/** Encodings that Bun's fetch undoes. */
const decodedEncodings = new Set(["gzip", "x-gzip", "deflate", "br", "zstd"]);

/**
 * Bun's fetch hands out a decoded body under the headers of the encoded one. A function that passes
 * such a response on would promise gzip and a wrong length, so both headers go, as they do in Deno.
 * With refusals it also fails with what the egress relay said, where Bun's would hand out the proxy's
 * answer as if it were the destination's.
 */
export function adjustFetch(refusals: EgressRefusals | undefined): void {
  const platformFetch = globalThis.fetch;
  const wrapped = async (
    input: string | URL | Request,
    init?: RequestInit & { readonly decompress?: boolean },
  ): Promise<Response> => {
    const response = await answered(platformFetch(input, init), refusals);
    const encoding = response.headers.get("content-encoding");
    const isDecoded = encoding !== null && decodedEncodings.has(encoding.toLowerCase());
    if (isDecoded && response.body !== null && init?.decompress !== false) {
      response.headers.delete("content-encoding");
      response.headers.delete("content-length");
    }
    return response;
  };
  const { preconnect } = platformFetch;
  globalThis.fetch = Object.defineProperty(Object.assign(wrapped, { preconnect }), "name", {
    value: "fetch",
  });
}

async function answered(
  fetching: Promise<Response>,
  refusals: EgressRefusals | undefined,
): Promise<Response> {
  if (refusals === undefined) return fetching;
  let response: Response;
  try {
    response = await fetching;
  } catch (error) {
    const refusal = refusalOfTunnel(error, refusals);
    throw refusal === undefined ? error : refusedFetch(refusal, error);
  }
  const refusal = refusalOfResponse(response, (id) => refusals.byId(id));
  if (refusal !== undefined) throw refusedFetch(refusal);
  return response;
}

/** Bun's error about a tunnel that the proxy refused has the headers of its answer. */
function refusalOfTunnel(error: unknown, refusals: EgressRefusals): EgressRefusal | undefined {
  if (!(error instanceof Error) || !("headers" in error)) return undefined;
  const { headers } = error;
  const id = headers instanceof Headers ? headers.get(refusalHeader) : null;
  return id === null ? undefined : refusals.byId(id);
}

/** `server.fetch(request)` of the function's own servers reads the request natively: completes it first. */
export function completeServedRequests(): void {
  const platformServe = Bun.serve;
  const serve = (...args: Parameters<typeof Bun.serve>): ReturnType<typeof Bun.serve> => {
    const server = platformServe(...args);
    const platformFetch = server.fetch.bind(server);
    server.fetch = (input) => {
      complete(input);
      return platformFetch(input);
    };
    return server;
  };
  Object.assign(Bun, { serve });
}
