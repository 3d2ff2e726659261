import type { Clock, Timer } from "../../base/clock.ts";

/** A folder that is never quiet must not hold up a round for ever. */
const waitMsMax = 500;

export interface ChangeQueueOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** How long it must be quiet after a change of this path: editors write a file in several steps. */
  readonly quietMs: (changed: string) => number;
}

/** Changed paths, gathered until they fall quiet. */
export class ChangeQueue {
  readonly #options: ChangeQueueOptions;
  #changed = new Set<string>();
  #firstMs = 0;
  #quietAtMs = 0;
  #timer: Timer | undefined;
  #isDue = false;
  #wake: (() => void) | undefined;

  constructor(options: ChangeQueueOptions) {
    this.#options = options;
    options.signal.addEventListener("abort", () => this.#wake?.(), { once: true });
  }

  /** Those that no round has taken yet. */
  get waiting(): ReadonlySet<string> {
    return this.#changed;
  }

  add(changed: string): void {
    const { clock, quietMs } = this.#options;
    const nowMs = clock.monotonicMs();
    if (this.#changed.size === 0) this.#firstMs = nowMs;
    this.#changed.add(changed);
    this.#timer?.cancel();
    this.#quietAtMs = Math.max(this.#quietAtMs, nowMs + quietMs(changed));
    const delayMs = Math.min(this.#quietAtMs, this.#firstMs + waitMsMax) - nowMs;
    this.#timer = clock.after(Math.max(0, delayMs), () => {
      this.#isDue = true;
      this.#wake?.();
    });
  }

  /** The next changes, once they are quiet; undefined once the signal has aborted. */
  async next(): Promise<ReadonlySet<string> | undefined> {
    const { signal } = this.#options;
    if (!this.#isDue && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (signal.aborted) return undefined;
    const changed = this.#changed;
    this.#changed = new Set();
    this.#isDue = false;
    return changed;
  }
}
