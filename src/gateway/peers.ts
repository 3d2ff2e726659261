import { BlockList, isIP } from "node:net";
import { BoundedMemo } from "./bounded-memo.ts";

/** Whose forwarding headers are believed. */
export interface Peers {
  /** Whether the address belongs to a trusted proxy. */
  trusts(address: string): boolean;
  /**
   * The client's address, from the address of the connection and the `X-Forwarded-For` that came
   * on it: the nearest one that is no trusted proxy's.
   */
  clientAddress(peer: string, forwardedFor: string | undefined): string;
}

const nobody: Peers = { trusts: () => false, clientAddress: (peer) => peer };
/** Addresses whose trust is remembered; looking one up in the list costs far more. */
const addressesMax = 4096;

/** Why an entry of `trusted_proxies` is none, as the end of a sentence; undefined when it is one. */
export function proxyFault(entry: string): string | undefined {
  const [address = "", bits, ...rest] = entry.split("/");
  const version = isIP(address);
  const bitsMax = version === 4 ? 32 : 128;
  const isBlock = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= bitsMax);
  return version === 0 || !isBlock || rest.length > 0
    ? "it must be an address or a CIDR block, e.g. 10.0.0.7 or 10.0.0.0/8"
    : undefined;
}

/** Reads `trusted_proxies`: addresses and CIDR blocks. Throws on one that is neither. */
export function createPeers(trustedProxies: readonly string[]): Peers {
  if (trustedProxies.length === 0) return nobody;
  const list = new BlockList();
  for (const entry of trustedProxies) {
    const fault = proxyFault(entry);
    if (fault !== undefined) throw new Error(`trusted_proxies names "${entry}", ${fault}`);
    const [address = "", bits] = entry.split("/");
    if (bits === undefined) list.addAddress(address, familyOf(address));
    else list.addSubnet(address, Number(bits), familyOf(address));
  }
  const trusted = new BoundedMemo<boolean>({
    capacity: addressesMax,
    compute: (address) => isIP(address) !== 0 && list.check(address, familyOf(address)),
  });
  return new TrustedPeers(trusted);
}

class TrustedPeers implements Peers {
  readonly #trusted: BoundedMemo<boolean>;

  constructor(trusted: BoundedMemo<boolean>) {
    this.#trusted = trusted;
  }

  trusts(address: string): boolean {
    return this.#trusted.get(address);
  }

  clientAddress(peer: string, forwardedFor: string | undefined): string {
    const hops = forwardedFor?.split(",") ?? [];
    let client = peer;
    while (this.trusts(client)) {
      const hop = hops.pop()?.trim();
      // What a trusted proxy does not say, or says in a way of its own, nobody knows.
      if (hop === undefined || isIP(hop) === 0) break;
      client = hop;
    }
    return client;
  }
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 4 ? "ipv4" : "ipv6";
}
