import type { Clock } from "../base/clock.ts";
import { endOfTurn } from "../base/end-of-turn.ts";
import { ReactorError } from "../domain/errors.ts";

export interface TurnsOptions {
  /** What is waited for, in error messages: `write`, `read`. */
  readonly name: string;
  readonly clock: Clock;
  /** How many may have a turn at once. */
  readonly slots: number;
  /** How many may wait; one more is refused at once. */
  readonly waitingMax: number;
  /** How long one may wait before it is refused. */
  readonly waitMsMax: number;
}

/** One holder's turn. `slot` is below `slots` and held by nobody else until `release()`. */
export interface Turn {
  readonly slot: number;
  /** Gives the slot to the next in line. A second call does nothing. */
  release(): void;
}

interface Waiter {
  give(slot: number): void;
  refuse(error: ReactorError): void;
}

/** A fair, bounded queue in front of a few slots: first come, first served. */
export class Turns {
  readonly #options: TurnsOptions;
  readonly #free: number[];
  readonly #waiting = new Set<Waiter>();
  #closed = false;

  constructor(options: TurnsOptions) {
    this.#options = options;
    this.#free = Array.from({ length: options.slots }, (_, i) => i);
  }

  /** How many wait now. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Waits for a slot. Rejects with `storage_unavailable` when a bound is reached or after close. */
  take(): Promise<Turn> {
    const { name, waitingMax, waitMsMax } = this.#options;
    if (this.#closed) return Promise.reject(this.#refusal("the store is closed"));
    const slot = this.#free.pop();
    if (slot !== undefined) return Promise.resolve(this.#turn(slot));
    if (this.#waiting.size >= waitingMax) {
      return Promise.reject(this.#refusal(`${waitingMax} ${name}s are waiting already`));
    }
    return this.#wait(`the ones before it took more than ${waitMsMax} ms`);
  }

  /** Refuses everyone who waits, and resolves when the last turn was given back. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const waiter of this.#waiting) waiter.refuse(this.#refusal("the store is closed"));
    while (this.#free.length < this.#options.slots) await this.#nextRelease();
  }

  #onRelease: (() => void) | undefined;

  #nextRelease(): Promise<void> {
    return new Promise((resolve) => {
      this.#onRelease = resolve;
    });
  }

  #wait(late: string): Promise<Turn> {
    const { clock, waitMsMax } = this.#options;
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        timer.cancel();
        this.#waiting.delete(waiter);
      };
      const waiter: Waiter = {
        give: (slot) => {
          leave();
          // A queue of synchronous work would keep the event loop, and every invocation, waiting.
          endOfTurn(() => resolve(this.#turn(slot)));
        },
        refuse: (error) => {
          leave();
          reject(error);
        },
      };
      const timer = clock.after(waitMsMax, () => waiter.refuse(this.#refusal(late)));
      this.#waiting.add(waiter);
    });
  }

  #turn(slot: number): Turn {
    let held = true;
    return {
      slot,
      release: () => {
        if (!held) return;
        held = false;
        const [next] = this.#waiting;
        if (next) next.give(slot);
        else this.#free.push(slot);
        this.#onRelease?.();
      },
    };
  }

  #refusal(state: string): ReactorError {
    return new ReactorError(
      "storage_unavailable",
      `Cannot ${this.#options.name} the store: ${state}`,
      { retryAfterSecs: 1 },
    );
  }
}
