import type { Clock, Timer } from "../../base/clock.ts";

/** An editor writes a file in several steps, a checkout many files: a round waits for this much quiet. */
const quietMs = 25;
/** A folder that is never quiet must not hold up a round for ever. */
const waitMsMax = 500;

/** Changed paths, gathered until they fall quiet. */
export class ChangeQueue {
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #changed = new Set<string>();
  #firstMs = 0;
  #timer: Timer | undefined;
  #isDue = false;
  #wake: (() => void) | undefined;

  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock;
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#wake?.(), { once: true });
  }

  add(changed: string): void {
    const nowMs = this.#clock.monotonicMs();
    if (this.#changed.size === 0) this.#firstMs = nowMs;
    this.#changed.add(changed);
    this.#timer?.cancel();
    const delayMs = Math.max(0, Math.min(quietMs, this.#firstMs + waitMsMax - nowMs));
    this.#timer = this.#clock.after(delayMs, () => {
      this.#isDue = true;
      this.#wake?.();
    });
  }

  /** The next changes, once they are quiet; undefined once the signal has aborted. */
  async next(): Promise<ReadonlySet<string> | undefined> {
    if (!this.#isDue && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#signal.aborted) return undefined;
    const changed = this.#changed;
    this.#changed = new Set();
    this.#isDue = false;
    return changed;
  }
}
