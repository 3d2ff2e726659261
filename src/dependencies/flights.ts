/**
 * Runs one piece of work for everybody who wants the same at the same time. Who leaves early does not
 * stop it for the others; when the last one left, it is aborted.
 */
export class Flights<T> {
  readonly #running = new Map<string, Flight<T>>();

  /** Resolves with what the work gives, or rejects with the caller's own signal's reason. */
  async run(
    key: string,
    work: (signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
  ): Promise<T> {
    signal.throwIfAborted();
    const flight = this.#running.get(key) ?? this.#start(key, work);
    flight.waiting += 1;
    const left = Promise.withResolvers<never>();
    const leave = (): void => left.reject(signal.reason);
    signal.addEventListener("abort", leave, { once: true });
    try {
      return await Promise.race([flight.result, left.promise]);
    } finally {
      signal.removeEventListener("abort", leave);
      flight.waiting -= 1;
      if (flight.waiting === 0) {
        this.#drop(key, flight);
        flight.abort.abort(signal.reason);
      }
    }
  }

  #start(key: string, work: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const abort = new AbortController();
    const flight: Flight<T> = { result: work(abort.signal), abort, waiting: 0 };
    this.#running.set(key, flight);
    const over = (): void => this.#drop(key, flight);
    flight.result.then(over, over);
    return flight;
  }

  #drop(key: string, flight: Flight<T>): void {
    if (this.#running.get(key) === flight) this.#running.delete(key);
  }
}

interface Flight<T> {
  readonly result: Promise<T>;
  readonly abort: AbortController;
  waiting: number;
}
