/** What functions may never reach, and how allow lists of hosts are read. Pure: no DNS, no IO. */

interface Range {
  readonly prefix: readonly number[];
  readonly bits: number;
  readonly what: string;
}

const v4Ranges: readonly Range[] = [
  { prefix: [0], bits: 8, what: "an address of this host (0.0.0.0/8)" },
  { prefix: [10], bits: 8, what: "a private address (10.0.0.0/8)" },
  { prefix: [100, 64], bits: 10, what: "a carrier-grade NAT address (100.64.0.0/10)" },
  { prefix: [127], bits: 8, what: "a loopback address (127.0.0.0/8)" },
  { prefix: [169, 254], bits: 16, what: "a link-local or metadata address (169.254.0.0/16)" },
  { prefix: [172, 16], bits: 12, what: "a private address (172.16.0.0/12)" },
  { prefix: [192, 0, 0], bits: 24, what: "a protocol-assignment address (192.0.0.0/24)" },
  { prefix: [192, 88, 99], bits: 24, what: "a 6to4 relay address (192.88.99.0/24)" },
  { prefix: [192, 168], bits: 16, what: "a private address (192.168.0.0/16)" },
  { prefix: [198, 18], bits: 15, what: "a benchmarking address (198.18.0.0/15)" },
  { prefix: [224], bits: 4, what: "a multicast address (224.0.0.0/4)" },
  { prefix: [240], bits: 4, what: "a reserved or broadcast address (240.0.0.0/4)" },
];

const v6Ranges: readonly Range[] = [
  { prefix: [0xfc], bits: 7, what: "a unique local address (fc00::/7)" },
  { prefix: [0xfe, 0x80], bits: 10, what: "a link-local address (fe80::/10)" },
  { prefix: [0xfe, 0xc0], bits: 10, what: "a site-local address (fec0::/10)" },
  { prefix: [0xff], bits: 8, what: "a multicast address (ff00::/8)" },
  { prefix: [0x20, 0x01, 0, 0], bits: 32, what: "a Teredo address (2001::/32)" },
  { prefix: [0x01, 0, 0, 0, 0, 0, 0, 0], bits: 64, what: "a discard address (100::/64)" },
  { prefix: [0, 0x64, 0xff, 0x9b, 0, 1], bits: 48, what: "a local NAT64 address (64:ff9b:1::/48)" },
];

/** IPv6 forms that carry an IPv4 address, and where it starts. */
const embeddings: readonly (Range & { readonly at: number })[] = [
  { prefix: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], bits: 96, at: 12, what: "IPv4-mapped" },
  { prefix: [0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], bits: 96, at: 12, what: "IPv4-translated" },
  { prefix: [], bits: 96, at: 12, what: "IPv4-compatible" },
  { prefix: [0, 0x64, 0xff, 0x9b], bits: 96, at: 12, what: "NAT64" },
  { prefix: [0x20, 0x02], bits: 16, at: 2, what: "6to4" },
];

/**
 * Says what makes an IP address unreachable for functions, e.g. `a loopback address (127.0.0.0/8)`,
 * or undefined when it is public. `address` is the text form that resolution gives; text that is no
 * address, or has a zone, is denied.
 */
export function deniedAddress(address: string): string | undefined {
  const bytes = parseAddress(address);
  if (bytes === undefined) return "not a plain IP address";
  return bytes.length === 4 ? deniedV4(bytes) : deniedV6(bytes);
}

function deniedV4(bytes: readonly number[]): string | undefined {
  return v4Ranges.find((range) => inRange(bytes, range))?.what;
}

function deniedV6(bytes: readonly number[]): string | undefined {
  if (bytes.slice(0, 15).every((byte) => byte === 0)) {
    if (bytes[15] === 1) return "a loopback address (::1)";
    if (bytes[15] === 0) return "the unspecified address (::)";
  }
  const direct = v6Ranges.find((range) => inRange(bytes, range));
  if (direct !== undefined) return direct.what;
  const carried = carriedV4(bytes);
  const inner = carried === undefined ? undefined : deniedV4(carried.bytes);
  return inner === undefined ? undefined : `${carried?.form} form of ${inner}`;
}

/** The IPv4 address that an IPv6 one carries in one of the known forms. */
function carriedV4(bytes: readonly number[]): { form: string; bytes: number[] } | undefined {
  // ISATAP hides an IPv4 address in the interface identifier of any prefix.
  const isatap = bytes[9] === 0 && bytes[10] === 0x5e && bytes[11] === 0xfe;
  const form = embeddings.find((range) => inRange(bytes, range));
  const at = form?.at ?? (isatap && ((bytes[8] ?? 0) & 0xfd) === 0 ? 12 : undefined);
  if (at === undefined) return undefined;
  return { form: form?.what ?? "ISATAP", bytes: bytes.slice(at, at + 4) };
}

/**
 * The canonical addresses that a connection to this one may end at: itself and, when it is an IPv6
 * address that carries an IPv4 one, that.
 */
export function addressForms(address: string): readonly string[] {
  const canonical = canonicalHost(address);
  const bytes = canonical === undefined ? undefined : parseAddress(canonical);
  if (canonical === undefined || bytes === undefined) return [];
  const inner = bytes.length === 16 ? carriedV4(bytes)?.bytes : undefined;
  return inner === undefined ? [canonical] : [canonical, inner.join(".")];
}

/** Whether the first `bits` of two addresses of one family are the same. */
export function inRange(
  bytes: readonly number[],
  range: { readonly prefix: readonly number[]; readonly bits: number },
): boolean {
  for (let bit = 0; bit < range.bits; bit += 8) {
    const mask = range.bits - bit >= 8 ? 0xff : (0xff << (8 - (range.bits - bit))) & 0xff;
    if (((bytes[bit / 8] ?? 0) & mask) !== ((range.prefix[bit / 8] ?? 0) & mask)) return false;
  }
  return true;
}

/** The 4 or 16 bytes of an address in text form; undefined when it is none. */
export function parseAddress(text: string): number[] | undefined {
  return text.includes(":") ? parseV6(text) : parseV4(text);
}

function parseV4(text: string): number[] | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (match === null) return undefined;
  const bytes = match.slice(1).map(Number);
  return bytes.every((byte) => byte <= 255) ? bytes : undefined;
}

function parseV6(text: string): number[] | undefined {
  if (text.length > 45 || !/^[0-9a-fA-F:.]+$/.test(text)) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? "");
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? "") : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 2 ? missing < 2 : missing !== 0) return undefined;
  return [...head, ...Array.from({ length: missing }, () => 0), ...tail];
}

function parseGroups(text: string): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [index, group] of groups.entries()) {
    if (group.includes(".")) {
      const v4 = index === groups.length - 1 ? parseV4(group) : undefined;
      if (v4 === undefined) return undefined;
      bytes.push(...v4);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 0xff);
    }
  }
  return bytes;
}

/**
 * The one spelling of a host: lower case, no brackets, no trailing dot, and every way to write an
 * IPv4 address (decimal, octal, hexadecimal, short forms) as four decimal numbers, as the WHATWG URL
 * rules have it. Undefined when the text is no host.
 */
export function canonicalHost(host: string): string | undefined {
  if (host.length === 0 || host.length > 255 || /[\s/?#@\\%]/.test(host)) return undefined;
  const bare = host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
  const source = bare.includes(":") ? `http://[${bare}]/` : `http://${bare}/`;
  if (!URL.canParse(source)) return undefined;
  const name = new URL(source).hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  return name === "" ? undefined : name;
}

export interface EgressRule {
  /** Canonical host, or the suffix with its leading dot of a `*.suffix` rule. */
  readonly host: string;
  readonly wildcard: boolean;
  /** Undefined: every port. */
  readonly port: number | undefined;
}

/** Reads `host`, `host:port`, `[v6]:port` or `*.suffix[:port]`; undefined when it is none of them. */
export function parseEgressRule(text: string): EgressRule | undefined {
  const match = /^(\*\.)?(\[[0-9a-fA-F:.]+\]|[^:[\]*]+)(?::(\d{1,5}))?$/.exec(text);
  const bareV6 = match === null && parseAddress(text)?.length === 16;
  const host = canonicalHost(bareV6 ? text : (match?.[2] ?? ""));
  const port = match?.[3] === undefined ? undefined : Number(match[3]);
  if (host === undefined || (port !== undefined && (port < 1 || port > 65535))) return undefined;
  const wildcard = match?.[1] !== undefined;
  if (wildcard && parseAddress(host) !== undefined) return undefined;
  return { host: wildcard ? `.${host}` : host, wildcard, port };
}

/**
 * Whether a rule covers a canonical host and port; without a port, whether it covers any port of the
 * host. A `*.suffix` covers every name below the suffix.
 */
export function egressRuleMatches(
  rule: EgressRule,
  host: string,
  port: number | undefined,
): boolean {
  if (rule.port !== undefined && port !== undefined && rule.port !== port) return false;
  if (!rule.wildcard) return host === rule.host;
  return host.length > rule.host.length && host.endsWith(rule.host);
}
