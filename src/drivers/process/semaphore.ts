import { createDeferred, type Deferred } from "../../base/deferred.ts";

/** At most `permits` holders at once; the others wait in order. */
export class Semaphore {
  readonly #permits: number;
  #free: number;
  readonly #waiting = new Set<Deferred<void>>();

  constructor(permits: number) {
    this.#permits = permits;
    this.#free = permits;
  }

  /** Whether nobody holds a permit or waits for one. */
  get isIdle(): boolean {
    return this.#free === this.#permits;
  }

  /** Runs the work while holding a permit. Rejects with the signal's reason when it aborts first. */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#acquire(signal);
    try {
      return await work();
    } finally {
      this.#release();
    }
  }

  async #acquire(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    const turn = createDeferred<void>();
    const onAbort = (): void => {
      // Once granted, the permit comes back through `run`.
      if (this.#waiting.delete(turn)) turn.reject(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    this.#waiting.add(turn);
    try {
      await turn.promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  #release(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(next);
    next.resolve();
  }
}
