import {
  canonicalHost,
  deniedAddress,
  type EgressRule,
  egressRuleMatches,
  parseAddress,
  parseEgressRule,
} from "./egress.ts";
import { ReactorError } from "./errors.ts";

/** Gives every address of a name; rejects when there is none. */
export type Resolve = (host: string) => Promise<readonly string[]>;

export interface EgressDeciderOptions {
  /** Hosts on private addresses that the operator opened, as `host:port`. */
  readonly privateAllow: readonly string[];
  /** Hosts that are never reachable, such as the admin listener, as `address:port`. */
  readonly denied: readonly string[];
  readonly resolve: Resolve;
}

/** Where a connection is to lead. The host is canonical. */
export interface EgressTarget {
  readonly host: string;
  readonly port: number;
}

export type EgressDecision =
  | { readonly kind: "connect"; readonly addresses: readonly string[] }
  | { readonly kind: "refuse"; readonly code: string; readonly message: string };

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
  const privateAllow = parseEgressRules(options.privateAllow);
  const denied = parseEgressRules(options.denied);
  return async (target, allow) => {
    const { host, port } = target;
    if (allow !== undefined && !allow.some((rule) => egressRuleMatches(rule, host, port))) {
      return refuse(target, "the manifest's egress.allow does not name it");
    }
    const addresses = parseAddress(host) === undefined ? await options.resolve(host) : [host];
    if (addresses.length === 0) {
      const message = `Cannot resolve "${host}": the name has no address`;
      return { kind: "refuse", code: "egress_unreachable", message };
    }
    const opened = privateAllow.some((rule) => egressRuleMatches(rule, host, port));
    for (const address of addresses) {
      const canonical = canonicalHost(address);
      if (denied.some((rule) => egressRuleMatches(rule, canonical ?? host, port))) {
        return refuse(target, `${address} is an address of this server`);
      }
      const reason = opened ? undefined : deniedAddress(canonical ?? address);
      if (reason !== undefined) return refuse(target, `${address} is ${reason}`);
    }
    return { kind: "connect", addresses };
  };
}

/** Parses rules; throws `manifest_invalid` naming one that is none. */
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

function refuse(target: EgressTarget, reason: string): EgressDecision {
  const message = `Egress to "${target.host}:${target.port}" is denied: ${reason}`;
  return { kind: "refuse", code: "egress_denied", message };
}
