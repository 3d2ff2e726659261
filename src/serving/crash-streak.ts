import { backoffMs } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";

/** Failures in a row that are forgiven before starts are held back. */
const failuresFree = 3;
const backoff = { firstMs: 250, maxMs: 30_000, factor: 2 };

/** Counts starts that failed and instances that died by themselves, and says when to try again. */
export class CrashStreak {
  readonly #clock: Clock;
  readonly #random: Random;
  #failures = 0;
  #retryAtMs = 0;

  constructor(options: { clock: Clock; random: Random }) {
    this.#clock = options.clock;
    this.#random = options.random;
  }

  get failures(): number {
    return this.#failures;
  }

  /** Milliseconds until the next start may be tried; 0 when it may be now. */
  get waitMs(): number {
    if (this.#failures < failuresFree) return 0;
    return Math.max(0, this.#retryAtMs - this.#clock.monotonicMs());
  }

  failed(): void {
    this.#failures += 1;
    if (this.#failures < failuresFree) return;
    const attempt = this.#failures - failuresFree;
    this.#retryAtMs = this.#clock.monotonicMs() + backoffMs(attempt, backoff, this.#random);
  }

  /** An invocation was answered: whatever was wrong is over. */
  succeeded(): void {
    this.#failures = 0;
  }
}
