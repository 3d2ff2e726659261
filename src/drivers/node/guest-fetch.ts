import { refusedFetch } from "../guest/refused-fetch.ts";

type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** Encodings that Node's fetch undoes: zstd only since the client within it is of version 8. */
const decodedEncodings = new Set(["gzip", "x-gzip", "deflate", "br"]);
if (Number.parseInt(process.versions["undici"] ?? "", 10) >= 8) decodedEncodings.add("zstd");

/**
 * Node's fetch hands out a decoded body under the headers of the encoded one. A function that passes
 * such a response on would promise gzip and a wrong length, so both headers go, as they do in Deno.
 * When the egress relay refused, it fails with the relay's sentence and code in place of the bare
 * `fetch failed` around it.
 */
export function adjustFetch(): void {
  const platformFetch: Fetch = globalThis.fetch;
  const fetch: Fetch = async (input, init) => {
    const response = await platformFetch(input, init).catch(failRefused);
    if (isDecoded(response)) hideHeaders(response);
    return response;
  };
  // Named here, since building the guest shortens the names in the code.
  Object.defineProperty(fetch, "name", { value: "fetch" });
  Object.defineProperty(globalThis, "fetch", { value: fetch, writable: true, configurable: true });
}

function failRefused(error: unknown): never {
  const cause: unknown = error instanceof TypeError ? error.cause : undefined;
  if (!(cause instanceof Error) || !("code" in cause)) throw error;
  const { code, message } = cause;
  if (typeof code !== "string" || !code.startsWith("egress_")) throw error;
  throw refusedFetch({ code, message }, cause);
}

function isDecoded({ headers, body }: Response): boolean {
  const encodings = headers.get("content-encoding")?.toLowerCase().split(",") ?? [];
  return (
    body !== null &&
    encodings.length > 0 &&
    encodings.every((encoding) => decodedEncodings.has(encoding.trim()))
  );
}

/** The headers of a fetched response cannot be changed, so others take their place. */
function hideHeaders(response: Response): void {
  const headers = new Headers(response.headers);
  headers.delete("content-encoding");
  headers.delete("content-length");
  const clone = (): Response => {
    const copy = Response.prototype.clone.call(response);
    hideHeaders(copy);
    return copy;
  };
  Object.defineProperties(response, {
    headers: { value: headers, configurable: true },
    clone: { value: clone, writable: true, configurable: true },
  });
}
