import type { Clock } from "../base/clock.ts";
import type { Resolve } from "../domain/egress-decision.ts";

const keptMs = 10_000;
const hostsMax = 1000;

/**
 * Asks for a name once for all downloads within a few seconds: an install makes hundreds of
 * connections to one registry, and a slow resolver would be waited for by each. Every connection is
 * still decided about by the addresses that it goes to. Failures are not remembered.
 */
export function rememberResolved(resolve: Resolve, clock: Clock): Resolve {
  const known = new Map<
    string,
    { readonly addresses: Promise<readonly string[]>; readonly untilMs: number }
  >();
  return (host) => {
    const nowMs = clock.monotonicMs();
    const found = known.get(host);
    if (found !== undefined && nowMs < found.untilMs) return found.addresses;
    if (known.size >= hostsMax) known.clear();
    const addresses = resolve(host);
    const entry = { addresses, untilMs: nowMs + keptMs };
    known.set(host, entry);
    addresses.catch(() => {
      if (known.get(host) === entry) known.delete(host);
    });
    return addresses;
  };
}
