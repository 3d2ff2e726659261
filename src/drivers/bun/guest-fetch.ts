import { complete } from "../guest/web-request.ts";

/** Encodings that Bun's fetch undoes. */
const decodedEncodings = new Set(["gzip", "x-gzip", "deflate", "br", "zstd"]);

/**
 * Bun's fetch hands out a decoded body under the headers of the encoded one. A function that passes
 * such a response on would promise gzip and a wrong length, so both headers go, as they do in Deno.
 */
export function dropHeadersOfDecodedBodies(): void {
  const platformFetch = globalThis.fetch;
  const wrapped = async (
    input: string | URL | Request,
    init?: RequestInit & { readonly decompress?: boolean },
  ): Promise<Response> => {
    const response = await platformFetch(input, init);
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
