/** Remembers computed values by key; forgets them all when `capacity` is reached, which keeps a hit at one map access. */
export class BoundedMemo<V> {
  readonly #capacity: number;
  readonly #compute: (key: string) => V;
  readonly #values = new Map<string, V>();

  constructor(options: { capacity: number; compute: (key: string) => V }) {
    this.#capacity = options.capacity;
    this.#compute = options.compute;
  }

  get(key: string): V {
    const known = this.#values.get(key);
    if (known !== undefined) return known;
    const value = this.#compute(key);
    if (this.#values.size >= this.#capacity) this.#values.clear();
    this.#values.set(key, value);
    return value;
  }
}
