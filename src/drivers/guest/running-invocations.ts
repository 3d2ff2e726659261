import type { Invocation } from "./invocation.ts";

/**
 * The invocations that run now. An array and not a Set: the tables that a Set leaves behind under
 * an add and a delete per request keep finished requests alive until the next full collection.
 */
export class RunningInvocations {
  readonly #invocations: Invocation[] = [];

  get size(): number {
    return this.#invocations.length;
  }

  /** In no particular order; a copy, since finishing one changes the list. */
  list(): readonly Invocation[] {
    return this.#invocations.slice();
  }

  add(invocation: Invocation): void {
    invocation.runningIndex = this.#invocations.push(invocation) - 1;
  }

  /** Does nothing when the invocation is not in the list. */
  remove(invocation: Invocation): void {
    const index = invocation.runningIndex;
    if (index < 0) return;
    invocation.runningIndex = -1;
    const last = this.#invocations.pop();
    if (last === undefined || last === invocation) return;
    this.#invocations[index] = last;
    last.runningIndex = index;
  }
}
