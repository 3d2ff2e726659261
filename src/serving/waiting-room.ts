import type { Invocation } from "./invocation.ts";

/** Those who wait for a slot of one pool, oldest first, and how many of them a start was promised to. */
export class WaitingRoom {
  readonly #waiting = new Set<Invocation>();
  #forStart = 0;

  get size(): number {
    return this.#waiting.size;
  }

  /** How many wait for an instance that is starting. */
  get forStart(): number {
    return this.#forStart;
  }

  /** Oldest first; entries may be removed while iterating. */
  [Symbol.iterator](): IterableIterator<Invocation> {
    return this.#waiting.values();
  }

  /** Waits until `untilMs`: for a slot, or for a start, whose own bound then comes first. */
  add(invocation: Invocation, options: WaitOptions): void {
    this.#waiting.add(invocation);
    if (options.forStart) this.#forStart += 1;
    invocation.wait({ ...options, waitedMs: 0, cold: false });
  }

  /** From here on it waits for a start (again), or no longer. */
  change(invocation: Invocation, forStart: boolean, untilMs: number): void {
    const { waited } = invocation;
    if (waited === undefined) return;
    if (waited.forStart !== forStart) this.#forStart += forStart ? 1 : -1;
    waited.forStart = forStart;
    waited.untilMs = untilMs;
  }

  /** Does nothing when it does not wait here. */
  remove(invocation: Invocation): void {
    if (this.#waiting.delete(invocation) && invocation.waited?.forStart === true) {
      this.#forStart -= 1;
    }
  }
}

export interface WaitOptions {
  readonly forStart: boolean;
  /** Monotonic milliseconds. */
  readonly sinceMs: number;
  readonly untilMs: number;
}
