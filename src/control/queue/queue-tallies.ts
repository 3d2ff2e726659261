import { ReactorError } from "../../domain/errors.ts";
import type { QueueTally } from "../../store/queue-store.ts";

/** What each function has queued or running, kept in memory so that the bounds cost no read. */
export class QueueTallies {
  readonly #byFunction = new Map<string, { count: number; bytes: number }>();
  readonly #bounds: { readonly countMax: number; readonly bytesMax: number };

  constructor(bounds: { readonly countMax: number; readonly bytesMax: number }) {
    this.#bounds = bounds;
  }

  get functionIds(): Iterable<string> {
    return this.#byFunction.keys();
  }

  get isEmpty(): boolean {
    return this.#byFunction.size === 0;
  }

  load(tallies: readonly QueueTally[]): void {
    for (const { functionId, count, bytes } of tallies) {
      this.#byFunction.set(functionId, { count, bytes });
    }
  }

  of(functionId: string): { readonly count: number; readonly bytes: number } {
    return this.#byFunction.get(functionId) ?? { count: 0, bytes: 0 };
  }

  /** Counts one more unless that is too many or too much. */
  reserve(functionId: string, name: string, bytes: number): ReactorError | undefined {
    const { count, bytes: taken } = this.of(functionId);
    const { countMax, bytesMax } = this.#bounds;
    if (count >= countMax) {
      return full(name, `${count} are queued already`, "functions.async_max_queued");
    }
    if (taken + bytes > bytesMax) {
      return full(name, `${taken} bytes are queued already`, "functions.async_max_queued_bytes");
    }
    this.add(functionId, bytes);
    return undefined;
  }

  add(functionId: string, bytes: number): void {
    const tally = this.#byFunction.get(functionId);
    if (tally === undefined) this.#byFunction.set(functionId, { count: 1, bytes });
    else {
      tally.count += 1;
      tally.bytes += bytes;
    }
  }

  forget(functionId: string): void {
    this.#byFunction.delete(functionId);
  }

  remove(functionId: string, bytes: number): void {
    const tally = this.#byFunction.get(functionId);
    if (tally === undefined) return;
    tally.count -= 1;
    tally.bytes -= bytes;
    if (tally.count <= 0) this.#byFunction.delete(functionId);
  }
}

function full(name: string, state: string, setting: string): ReactorError {
  return new ReactorError(
    "too_many_requests",
    `Cannot queue an invocation of "${name}": ${state}, the bound is ${setting}`,
    { details: { function: name, setting }, retryAfterSecs: 5 },
  );
}
