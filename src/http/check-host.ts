import { ReactorError } from "../domain/errors.ts";
import { plainAddress } from "./plain-address.ts";

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
    if (name === plainAddress(localAddress).toLowerCase()) return;
  }
  throw new ReactorError(
    "permission_denied",
    `Cannot answer for host ${JSON.stringify((host ?? "").slice(0, 200))}: it is not a name of this server; add it to the setting "hosts"`,
    { details: { host: (host ?? "").slice(0, 200) } },
  );
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
