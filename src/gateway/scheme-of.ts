import type { HttpExchange } from "../http/http-exchange.ts";

/** The scheme that the client used: the connection's own, or what a trusted proxy says. */
export function schemeOf(
  http: HttpExchange,
  said: { readonly trusted: boolean; readonly forwardedProto: string | undefined },
): "http" | "https" {
  const own = http.secure ? "https" : "http";
  if (!said.trusted || said.forwardedProto === undefined) return own;
  return said.forwardedProto.toLowerCase() === "https" ? "https" : "http";
}
