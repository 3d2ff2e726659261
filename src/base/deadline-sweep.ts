import type { Clock, Timer } from "./clock.ts";

/** Something whose deadlines are looked at on every tick. Only the sweep touches the links. */
export interface Swept {
  isSwept: boolean;
  previousSwept: Swept | undefined;
  nextSwept: Swept | undefined;
  /** `nowMs` is monotonic. May remove itself and others. */
  sweep(nowMs: number): void;
}

/** Ticks without anything to look at before the interval is given up. */
const idleTicksMax = 40;

/**
 * The deadlines of everything that runs, on one interval: a request costs four pointer writes and
 * no timer, at the price of firing up to one tick late. The entries are a linked list, since what a
 * set or an array kept until the next tick would outlive its request and fill the old generation.
 */
export class DeadlineSweep {
  readonly #clock: Clock;
  readonly #tickMs: number;
  #first: Swept | undefined;
  #cursor: Swept | undefined;
  #interval: Timer | undefined;
  #idleTicks = 0;

  constructor(clock: Clock, tickMs = 25) {
    this.#clock = clock;
    this.#tickMs = tickMs;
  }

  get empty(): boolean {
    return this.#first === undefined;
  }

  /** Looks at the entry from now on; does nothing when it is looked at already. */
  add(entry: Swept): void {
    if (entry.isSwept) return;
    const first = this.#first;
    entry.isSwept = true;
    entry.nextSwept = first;
    if (first !== undefined) first.previousSwept = entry;
    this.#first = entry;
    this.#interval ??= this.#clock.every(this.#tickMs, () => this.#tick());
  }

  /** Looks at the entry no more; does nothing when it is not looked at. */
  remove(entry: Swept): void {
    if (!entry.isSwept) return;
    const { previousSwept, nextSwept } = entry;
    if (this.#cursor === entry) this.#cursor = nextSwept;
    if (previousSwept === undefined) this.#first = nextSwept;
    else previousSwept.nextSwept = nextSwept;
    if (nextSwept !== undefined) nextSwept.previousSwept = previousSwept;
    entry.isSwept = false;
    entry.previousSwept = undefined;
    entry.nextSwept = undefined;
  }

  /** Gives up the interval; entries still present are not looked at until one is added. */
  close(): void {
    this.#interval?.cancel();
    this.#interval = undefined;
  }

  #tick(): void {
    if (this.empty) {
      this.#idleTicks += 1;
      if (this.#idleTicks >= idleTicksMax) this.close();
      return;
    }
    this.#idleTicks = 0;
    const nowMs = this.#clock.monotonicMs();
    this.#cursor = this.#first;
    while (this.#cursor !== undefined) {
      const entry: Swept = this.#cursor;
      this.#cursor = entry.nextSwept;
      entry.sweep(nowMs);
    }
  }
}
