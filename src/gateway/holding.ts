/** An answer whose head waits for the rest of its turn. */
export interface Held {
  /** Sends what is there; does nothing when the answer is out already. */
  flush(): void;
}

/**
 * Holds response heads until everything that arrived together has been handed over, so that an
 * answer which came whole leaves in one write with its length, and a stream's head leaves at once.
 */
export class Holding {
  #held: Held[] = [];
  readonly #release = (): void => {
    const held = this.#held;
    this.#held = [];
    for (const answer of held) answer.flush();
  };

  hold(answer: Held): void {
    if (this.#held.length === 0) queueMicrotask(this.#release);
    this.#held.push(answer);
  }
}
