import type { Clock } from "../../base/clock.ts";

/** Addresses remembered at once; the oldest is forgotten for the next. */
const addressesMax = 1024;
/** Names remembered for one address; further ones wait until it is forgotten. */
const namesPerAddressMax = 8;
/** How long an answer counts, as long as clients keep one. */
const keptMsMax = 15 * 60_000;

/**
 * Which names an instance has looked up, by the addresses it was given. Code that looks a name up and
 * then connects to the address still means the name, which is what rules speak of.
 */
export class LearnedNames {
  readonly #clock: Clock;
  /** By address: when each name led there. */
  readonly #names = new Map<string, Map<string, number>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  learn(name: string, addresses: readonly string[]): void {
    const nowMs = this.#clock.monotonicMs();
    for (const address of addresses) {
      const names = this.#names.get(address) ?? new Map<string, number>();
      if (names.size < namesPerAddressMax || names.has(name)) names.set(name, nowMs);
      this.#names.delete(address);
      this.#names.set(address, names);
      const [oldest] = this.#names.keys();
      if (this.#names.size > addressesMax && oldest !== undefined) this.#names.delete(oldest);
    }
  }

  /** The names that led to an address not long ago. */
  of(address: string): readonly string[] {
    const sinceMs = this.#clock.monotonicMs() - keptMsMax;
    const names = [...(this.#names.get(address) ?? [])];
    return names.filter(([, atMs]) => atMs >= sinceMs).map(([name]) => name);
  }
}
