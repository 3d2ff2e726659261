import {
  addressForms,
  deniedAddress,
  type EgressRule,
  egressRuleMatches,
  parseAddress,
  parseEgressRule,
} from "./egress.ts";
import { ReactorError } from "./errors.ts";
import { opensAddress, type PrivateAllowRule, parsePrivateAllow } from "./private-allow.ts";

/** Gives every address of a name; rejects when there is none. */
export type Resolve = (host: string) => Promise<readonly string[]>;

export interface EgressDeciderOptions {
  /** What the operator opened of the private addresses, as `parsePrivateAllow` reads it. */
  readonly privateAllow: readonly string[];
  /** What is never reachable, such as this server's public addresses, as `address` or `address:port`. */
  readonly denied: () => readonly string[];
  /** Addresses of this machine, which neither ranges nor wildcards of `privateAllow` open. */
  readonly own: () => readonly string[];
  readonly resolve: Resolve;
}

/** Where a connection is to lead, or what is looked up when there is no port. The host is canonical. */
export interface EgressTarget {
  readonly host: string;
  readonly port?: number;
  /** What the host was resolved to not long ago, when that is what is to be connected to. */
  readonly address?: string;
}

/** Which rule a destination broke. */
export type EgressDenialReason =
  /** The manifest's `egress.allow` does not name it. */
  | "not_allowed"
  /** It leads to a private address that the operator did not open. */
  | "private_address"
  /** It leads to an address of this server. */
  | "own_address"
  /** It is no host and port. */
  | "invalid_destination"
  /** The instance has as many connections as it may have. */
  | "connections";

export interface EgressDenial {
  readonly reason: EgressDenialReason;
  /** As it was asked for, at most 255 characters. */
  readonly host: string;
  /** Undefined for a lookup. */
  readonly port: number | undefined;
  /** Names the destination, the reason and what would open it. */
  readonly message: string;
}

export type EgressDecision =
  | { readonly kind: "connect"; readonly addresses: readonly string[] }
  | { readonly kind: "deny"; readonly denial: EgressDenial }
  | { readonly kind: "unreachable"; readonly message: string };

/**
 * Decides about a destination of code or data that is not trusted. Whoever connects must connect to
 * the addresses that were decided about, without a second lookup that could differ.
 */
export type DecideEgress = (
  target: EgressTarget,
  /** What a manifest allows; undefined: the internet. */
  allow: readonly EgressRule[] | undefined,
) => Promise<EgressDecision>;

/** Resolves a destination and decides about every address of it. */
export function createEgressDecider(options: EgressDeciderOptions): DecideEgress {
  const privateAllow = parsePrivateAllows(options.privateAllow);
  return async (target, allow) => {
    const { host, port } = target;
    if (allow !== undefined && !allow.some((rule) => egressRuleMatches(rule, host, port))) {
      const why = `the manifest's egress.allow does not name it; add ${quoted(target)} there`;
      return deny(target, "not_allowed", why);
    }
    const addresses = await addressesOf(target, options.resolve);
    if (addresses.length === 0) {
      const message = `Cannot resolve "${host}": the name has no address`;
      return { kind: "unreachable", message };
    }
    const denied = parseEgressRules(options.denied());
    for (const address of addresses) {
      const forms = addressForms(address);
      // Whoever asked for a name is not told where it leads inside.
      const subject = parseAddress(host) === undefined ? "it leads to" : `${address} is`;
      if (denied.some((rule) => forms.some((form) => isDenied(rule, form, port)))) {
        const why = `${subject} an address of this server, which nothing opens`;
        return deny(target, "own_address", why);
      }
      const what = deniedAddress(forms[0] ?? address);
      if (what === undefined) continue;
      const isOwn = isOfThisMachine(forms, options.own());
      const opened = { ...target, address: forms[0] ?? address, isOwn };
      if (!privateAllow.some((rule) => opensAddress(rule, opened))) {
        const item = JSON.stringify(
          port === undefined ? `${host}:<port>` : destinationText(target),
        );
        const why = `${subject} ${what}; the operator opens it by ${item} in egress.private_allow`;
        return deny(target, "private_address", why);
      }
    }
    return { kind: "connect", addresses };
  };
}

async function addressesOf(target: EgressTarget, resolve: Resolve): Promise<readonly string[]> {
  if (target.address !== undefined) return [target.address];
  return parseAddress(target.host) === undefined ? resolve(target.host) : [target.host];
}

/** Parses rules of a manifest; throws `manifest_invalid` naming one that is none. */
export function parseEgressRules(texts: readonly string[]): EgressRule[] {
  return texts.map((text) => {
    const rule = parseEgressRule(text);
    if (rule !== undefined) return rule;
    throw new ReactorError(
      "manifest_invalid",
      `Cannot use ${JSON.stringify(text)} as an egress rule: it must be host, host:port or *.suffix`,
    );
  });
}

/** The settings were checked when they were read, so another text is a bug. */
function parsePrivateAllows(texts: readonly string[]): PrivateAllowRule[] {
  return texts.map((text) => {
    const rule = parsePrivateAllow(text);
    if (rule === undefined) throw new Error(`Assertion failed: ${JSON.stringify(text)} is no rule`);
    return rule;
  });
}

function isOfThisMachine(forms: readonly string[], own: readonly string[]): boolean {
  return forms.some((form) => form.startsWith("127.") || form === "::1" || own.includes(form));
}

/** A rule of one port says nothing about a lookup. */
function isDenied(rule: EgressRule, host: string, port: number | undefined): boolean {
  return (rule.port === undefined || port !== undefined) && egressRuleMatches(rule, host, port);
}

/** The destination as rules write it. */
export function destinationText({ host, port }: EgressTarget): string {
  const name = host.includes(":") ? `[${host}]` : host;
  return port === undefined ? name : `${name}:${port}`;
}

function quoted(target: EgressTarget): string {
  return JSON.stringify(destinationText(target));
}

function deny(target: EgressTarget, reason: EgressDenialReason, why: string): EgressDecision {
  const message = `Egress to ${quoted(target)} is denied: ${why}`;
  return { kind: "deny", denial: { reason, host: target.host, port: target.port, message } };
}
