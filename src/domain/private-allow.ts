import {
  type EgressRule,
  egressRuleMatches,
  inRange,
  parseAddress,
  parseEgressRule,
} from "./egress.ts";

/** Something private that the operator opened: a host by name or address, or a range of addresses. */
export type PrivateAllowRule = EgressRule | AddressRangeRule;

interface AddressRangeRule {
  readonly prefix: readonly number[];
  readonly bits: number;
  /** Undefined: every port. */
  readonly port: number | undefined;
}

/** As wide as the widest private ranges, 10.0.0.0/8 and fc00::/7; wider ones are mistakes. */
const bitsMin = { 4: 8, 16: 7 } as const;

/**
 * Reads `name[:port]`, `*.two.labels[:port]`, `address[:port]` or `address/bits[:port]`, version 6
 * in brackets. Undefined when it is none of them, when a range is not on its boundary or wider than
 * any private network is, and for a wildcard below a single label, which strangers may own.
 */
export function parsePrivateAllow(text: string): PrivateAllowRule | undefined {
  if (text.includes("/")) return parseRange(text);
  const rule = parseEgressRule(text);
  const isWide = rule?.wildcard === true && !rule.host.slice(1).includes(".");
  return isWide ? undefined : rule;
}

function parseRange(text: string): AddressRangeRule | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\/(\d{1,3})\]|([0-9.]+)\/(\d{1,2}))(?::(\d{1,5}))?$/.exec(
    text,
  );
  const prefix = parseAddress(match?.[1] ?? match?.[3] ?? "");
  const bits = Number(match?.[2] ?? match?.[4]);
  const port = match?.[5] === undefined ? undefined : Number(match[5]);
  if (prefix === undefined || (port !== undefined && (port < 1 || port > 65535))) return undefined;
  const isSix = match?.[1] !== undefined;
  if ((prefix.length === 16) !== isSix || bits > prefix.length * 8) return undefined;
  if (bits < bitsMin[prefix.length === 16 ? 16 : 4]) return undefined;
  const isOnBoundary = prefix.every((byte, at) => (byte & (0xff >> clamp(bits - at * 8))) === 0);
  return isOnBoundary ? { prefix, bits, port } : undefined;
}

function clamp(bits: number): number {
  return Math.min(8, Math.max(0, bits));
}

/** What `localhost` means wherever it is resolved. */
function isLoopback(address: string): boolean {
  return address === "127.0.0.1" || address === "::1";
}

export interface OpenedDestination {
  /** Canonical. */
  readonly host: string;
  readonly address: string;
  readonly port?: number;
  /** Whether the address is one of this machine. */
  readonly isOwn: boolean;
}

/**
 * Whether a rule opens an address to which a destination leads. A name opens what it resolves to; an
 * address and a range open themselves, whatever name leads there. This machine, with the server's own
 * port on it, is only opened by a rule that names it, never by a range or a wildcard around it.
 */
export function opensAddress(rule: PrivateAllowRule, destination: OpenedDestination): boolean {
  const { host, address, port, isOwn } = destination;
  if (isOwn && ("bits" in rule || rule.wildcard)) return false;
  if (!("bits" in rule)) {
    const named = [host, address, ...(isLoopback(address) ? ["localhost"] : [])];
    return named.some((each) => egressRuleMatches(rule, each, port));
  }
  if (rule.port !== undefined && port !== undefined && rule.port !== port) return false;
  const bytes = parseAddress(address);
  return bytes?.length === rule.prefix.length && inRange(bytes, rule);
}
