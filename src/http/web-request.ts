import type { HttpExchange } from "./http-exchange.ts";

/** The request in the form of the web platform. Throws a TypeError when it cannot have that form. */
export function webRequest(options: {
  readonly http: HttpExchange;
  readonly body: ReadableStream<Uint8Array> | undefined;
  /** Aborted when the client leaves. */
  readonly signal: AbortSignal;
}): Request {
  const { http, body, signal } = options;
  const headers = new Headers();
  for (let i = 0; i + 1 < http.headers.length; i += 2) {
    headers.append(http.headers[i] as string, http.headers[i + 1] as string);
  }
  const scheme = http.secure ? "https" : "http";
  const url = `${scheme}://${http.host ?? "localhost"}${http.target}`;
  const { method } = http;
  if (body === undefined || method === "GET" || method === "HEAD") {
    return new Request(url, { method, headers, signal });
  }
  // Node wants to be told that the body is not read before the answer begins.
  const init: RequestInit & { duplex: "half" } = { method, headers, signal, body, duplex: "half" };
  return new Request(url, init);
}
