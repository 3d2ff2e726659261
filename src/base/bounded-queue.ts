/** A first-in first-out queue that refuses to grow past its capacity. O(1) at both ends. */
export class BoundedQueue<T> {
  readonly capacity: number;
  readonly #items: (T | undefined)[];
  #head = 0;
  #size = 0;

  constructor(options: { capacity: number }) {
    this.capacity = options.capacity;
    this.#items = [];
  }

  get size(): number {
    return this.#size;
  }

  /** Adds an item at the end; returns false, changing nothing, when the queue is full. */
  push(item: T): boolean {
    if (this.#size >= this.capacity) return false;
    this.#items[(this.#head + this.#size) % this.capacity] = item;
    this.#size += 1;
    return true;
  }

  /** Takes the oldest item, or undefined when the queue is empty. */
  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) % this.capacity;
    this.#size -= 1;
    return item;
  }
}
