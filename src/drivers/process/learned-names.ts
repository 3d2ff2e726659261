/** Addresses remembered at once; the oldest is forgotten for the next. */
const addressesMax = 1024;
/** Names remembered for one address; further ones wait until it is forgotten. */
const namesPerAddressMax = 8;

/**
 * Which names an instance has looked up, by the addresses it was given. Code that looks a name up and
 * then connects to the address still means the name, which is what rules speak of.
 */
export class LearnedNames {
  readonly #names = new Map<string, Set<string>>();

  learn(name: string, addresses: readonly string[]): void {
    for (const address of addresses) {
      const names = this.#names.get(address) ?? new Set();
      if (names.size < namesPerAddressMax) names.add(name);
      this.#names.delete(address);
      this.#names.set(address, names);
      const [oldest] = this.#names.keys();
      if (this.#names.size > addressesMax && oldest !== undefined) this.#names.delete(oldest);
    }
  }

  /** The names that led to an address. */
  of(address: string): readonly string[] {
    return [...(this.#names.get(address) ?? [])];
  }
}
