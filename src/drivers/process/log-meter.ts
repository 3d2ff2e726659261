import type { Clock } from "../../base/clock.ts";

/** How much one instance may log. Beyond it lines are dropped and counted. */
export interface LogBudget {
  readonly linesPerSecMax: number;
  readonly bytesPerSecMax: number;
  /** How many seconds' worth may come at once. */
  readonly burstSecs: number;
}

export const defaultLogBudget: LogBudget = {
  linesPerSecMax: 100_000,
  bytesPerSecMax: 8 * 1024 * 1024,
  burstSecs: 4,
};

/** Admits lines by a budget that refills with time. */
export class LogMeter {
  readonly #budget: LogBudget;
  readonly #clock: Clock;
  #lines: number;
  #bytes: number;
  #atMs: number;
  #dropped = 0;

  constructor(budget: LogBudget, clock: Clock) {
    this.#budget = budget;
    this.#clock = clock;
    this.#lines = budget.linesPerSecMax * budget.burstSecs;
    this.#bytes = budget.bytesPerSecMax * budget.burstSecs;
    this.#atMs = clock.monotonicMs();
  }

  /** Whether a line of `bytes` may pass; counts it as dropped when not. */
  admit(bytes: number): boolean {
    if (this.#lines < 1 || this.#bytes < bytes) this.#refill();
    if (this.#lines < 1 || this.#bytes < bytes) {
      this.#dropped += 1;
      return false;
    }
    this.#lines -= 1;
    this.#bytes -= bytes;
    return true;
  }

  /** Counts lines that were dropped before they came here. */
  countDropped(lines: number): void {
    this.#dropped += lines;
  }

  /** Lines dropped since the last call. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  #refill(): void {
    const nowMs = this.#clock.monotonicMs();
    const secs = (nowMs - this.#atMs) / 1000;
    const { linesPerSecMax, bytesPerSecMax, burstSecs } = this.#budget;
    this.#atMs = nowMs;
    this.#lines = Math.min(linesPerSecMax * burstSecs, this.#lines + secs * linesPerSecMax);
    this.#bytes = Math.min(bytesPerSecMax * burstSecs, this.#bytes + secs * bytesPerSecMax);
  }
}
