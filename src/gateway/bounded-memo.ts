import { detached } from "../base/detached.ts";

/** Remembers computed values by Latin-1 key; forgets them all when `capacity` is reached, which keeps a hit at one map access. */
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
    const kept = detached(key);
    const value = this.#compute(kept);
    if (this.#values.size >= this.#capacity) this.#values.clear();
    this.#values.set(kept, value);
    return value;
  }
}
