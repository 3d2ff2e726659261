import { BlockList, isIP } from "node:net";

/** Whose forwarding headers are believed. */
export interface Peers {
  /** Whether the address belongs to a trusted proxy. */
  trusts(address: string): boolean;
}

const nobody: Peers = { trusts: () => false };

/** Reads `trusted_proxies`: addresses and CIDR blocks. Throws on one that is neither. */
export function createPeers(trustedProxies: readonly string[]): Peers {
  if (trustedProxies.length === 0) return nobody;
  const list = new BlockList();
  for (const entry of trustedProxies) {
    const [address = "", bits] = entry.split("/");
    const version = isIP(address);
    if (version === 0) throw new Error(`trusted_proxies: "${entry}" is no address or CIDR block`);
    const family = version === 4 ? "ipv4" : "ipv6";
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return { trusts: (address) => isIP(address) !== 0 && list.check(address, familyOf(address)) };
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 4 ? "ipv4" : "ipv6";
}
