import { canonicalHost } from "../../domain/egress.ts";
import type { EgressTarget } from "../../domain/egress-decision.ts";
import { WireError } from "../../wire/wire-error.ts";

/** What a guest's `open` frame asks for. */
export type AskedOpen =
  /** A connection, or without a port the addresses of a name. */
  | { readonly kind: "target"; readonly target: EgressTarget }
  /** `text` is what it named as the host, cut. */
  | { readonly kind: "invalid"; readonly text: string };

const shownCharactersMax = 255;

/** Reads `{ host, port }` or `{ host, lookup: true }`. Throws WireError for what is no JSON. */
export function parseOpen(payload: Buffer): AskedOpen {
  let value: unknown;
  try {
    value = JSON.parse(payload.toString("utf8"));
  } catch (error) {
    throw new WireError("bad_frame", `Open frame is no JSON: ${String(error)}`);
  }
  if (typeof value !== "object" || value === null) return invalid("");
  const host: unknown = "host" in value ? value.host : undefined;
  const port: unknown = "port" in value ? value.port : undefined;
  if (typeof host !== "string") return invalid("");
  const name = canonicalHost(host);
  if (name === undefined) return invalid(host);
  if ("lookup" in value && value.lookup === true) return { kind: "target", target: { host: name } };
  if (typeof port !== "number" || !Number.isInteger(port) || port < 1 || port > 65535) {
    return invalid(`${host}:${String(port)}`);
  }
  return { kind: "target", target: { host: name, port } };
}

function invalid(text: string): AskedOpen {
  return { kind: "invalid", text: text.slice(0, shownCharactersMax) };
}
