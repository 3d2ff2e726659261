import { ReactorError } from "../domain/errors.ts";

/** Headers of every admin answer: nothing is sniffed, framed, cached or shared with other origins. */
export const edgeHeaders: readonly (readonly [string, string])[] = [
  ["X-Content-Type-Options", "nosniff"],
  ["Cache-Control", "no-store"],
  ["Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"],
  ["Cross-Origin-Resource-Policy", "same-origin"],
  ["Referrer-Policy", "no-referrer"],
];

const loopbackHosts: readonly string[] = ["localhost", "127.0.0.1", "::1"];

/**
 * Throws `permission_denied` unless the Host header names this server. A name that an attacker
 * pointed at this address by DNS (rebinding) is none of ours, and an address literal that the
 * connection really came in on cannot be rebound.
 */
export function checkHost(
  host: string | undefined,
  hosts: readonly string[],
  localAddress: string | undefined,
): void {
  const name = host === undefined ? undefined : hostName(host);
  if (name !== undefined) {
    if (loopbackHosts.includes(name)) return;
    if (hosts.some((allowed) => hostName(allowed) === name)) return;
    if (name === plainAddress(localAddress)) return;
  }
  throw new ReactorError(
    "permission_denied",
    `Cannot answer for host ${JSON.stringify((host ?? "").slice(0, 200))}: it is not a name of this server; add it to the setting "hosts"`,
    { details: { host: (host ?? "").slice(0, 200) } },
  );
}

/**
 * Throws `permission_denied` when a page of another origin sent the request: browsers cannot forge
 * Origin and Sec-Fetch-Site, and other clients send neither.
 */
export function checkOrigin(method: string, headers: Headers): void {
  const origin = headers.get("origin");
  if (origin !== null && !isSameOrigin(origin, headers.get("host"))) refuseOrigin(origin);
  const site = headers.get("sec-fetch-site");
  if (site === null || site === "same-origin" || site === "none") return;
  // Following a link to a document is how people open an address; it changes and discloses nothing.
  const navigates = headers.get("sec-fetch-mode") === "navigate";
  if (navigates && (method === "GET" || method === "HEAD")) return;
  refuseOrigin(origin ?? site);
}

function refuseOrigin(origin: string): never {
  throw new ReactorError(
    "permission_denied",
    `Cannot accept a request from a page of ${JSON.stringify(origin.slice(0, 200))}: the admin API answers only to its own origin`,
    { details: { origin: origin.slice(0, 200) } },
  );
}

function isSameOrigin(origin: string, host: string | null): boolean {
  if (host === null || !URL.canParse(origin)) return false;
  const { protocol, host: originHost } = new URL(origin);
  if (protocol !== "http:" && protocol !== "https:") return false;
  // The scheme is the origin's own, since TLS may end at a proxy; it settles the default port.
  const own = `${protocol}//${host}`;
  return URL.canParse(own) && new URL(own).host === originHost;
}

/** Host name of a Host header, lower case, without port, brackets and the root's dot. */
function hostName(host: string): string | undefined {
  if (/[\s/?#@\\]/.test(host)) return undefined;
  const bracketed = /^\[([0-9a-f:.]+)\](?::\d+)?$/i.exec(host);
  if (bracketed?.[1] !== undefined) return bracketed[1].toLowerCase();
  // A setting may name an IPv6 address without brackets.
  if ((host.match(/:/g)?.length ?? 0) > 1) return host.toLowerCase();
  return host.replace(/:\d+$/, "").replace(/\.$/, "").toLowerCase();
}

function plainAddress(address: string | undefined): string | undefined {
  return address?.toLowerCase().replace(/^::ffff:(?=\d+\.)/, "");
}

/** Whether the connection came from this machine. */
export function isLoopback(address: string | undefined): boolean {
  const plain = plainAddress(address);
  return plain !== undefined && (plain === "::1" || /^127\.\d+\.\d+\.\d+$/.test(plain));
}
