import type { Clock } from "../../base/clock.ts";

/** Those who wait for a guest to show that its event loop turns. */
export class PongWaiters {
  readonly #clock: Clock;
  #waiting: ((alive: boolean) => void)[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves with the next answer, or false after `withinMs`. */
  wait(withinMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const answer = (alive: boolean): void => {
        timer.cancel();
        resolve(alive);
      };
      const timer = this.#clock.after(withinMs, () => {
        this.#waiting = this.#waiting.filter((waiting) => waiting !== answer);
        resolve(false);
      });
      this.#waiting.push(answer);
    });
  }

  /** Tells everyone who waits. */
  answer(alive: boolean): void {
    for (const answer of this.#waiting.splice(0)) answer(alive);
  }
}
