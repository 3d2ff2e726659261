import { type BackoffOptions, backoffMs } from "../../base/backoff.ts";
import type { Clock, Timer } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Random } from "../../base/random.ts";
import type { Instance } from "../driver.ts";
import { type BlankBounds, blankTarget } from "./blank-target.ts";

/** How long demand is counted before a new count begins; the one before is remembered. */
const demandWindowMs = 10_000;
/** How long a refill waits after a start, so that it does not compete with the answer behind it. */
const refillPauseMs = 10;
/** The same after a start that proved a deployment: its first request is on its way. */
const foreseenPauseMs = 50;
/** Blanks that recent demand no longer asks for leave one by one, this far apart. */
const shrinkPauseMs = 100;
const retry: BackoffOptions = { firstMs: 100, maxMs: 30_000, factor: 2 };

/** An instance that has no function yet. */
export interface Blank extends Pick<Instance, "id" | "exit" | "stop"> {
  fromBlank: boolean;
}

export interface BlankPoolOptions<B extends Blank> {
  /** How many blanks wait: some always, more while starts are frequent. */
  readonly bounds: BlankBounds;
  /** Boots one blank; rejects when it does not come up. */
  readonly boot: (signal: AbortSignal) => Promise<B>;
  /** Whether a boot now would take nothing away from a start that waits for one. */
  readonly idle: () => boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Booted, sandboxed, empty instances that wait for a function. Each is handed out once. */
export class BlankPool<B extends Blank> {
  readonly #options: BlankPoolOptions<B>;
  readonly #waiting: B[] = [];
  readonly #abort = new AbortController();
  #filling = false;
  #booting = false;
  /** Who takes the blank that boots now. */
  #adopter: ((blank: B | undefined) => void) | undefined;
  #failures = 0;
  #retryTimer: Timer | undefined;
  #refillTimer: Timer | undefined;
  #windowTimer: Timer | undefined;
  #shrinkTimer: Timer | undefined;
  /** Starts that asked for a blank in this window and in the one before. */
  #demand = { current: 0, previous: 0 };

  constructor(options: BlankPoolOptions<B>) {
    this.#options = options;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** How many blanks should wait now. */
  get target(): number {
    return blankTarget(this.#options.bounds, this.#demand);
  }

  /**
   * Keeps the pool full from here on. Right after a start, that which is to be foreseen comes before
   * the refill: the first request of what was just proved.
   */
  fill(): void {
    this.#filling = true;
    if (this.#refillTimer === undefined) this.refill();
    else this.#refillAfter(foreseenPauseMs);
  }

  /** Gets ready for starts that are about to come. */
  foresee(starts: number): void {
    this.#count(starts);
    this.refill();
  }

  /** Takes a blank out for good; undefined when none waits. Either way it counts as demand. */
  take(): B | undefined {
    this.#count(1);
    const blank = this.#waiting.shift();
    if (blank !== undefined) blank.fromBlank = true;
    return blank;
  }

  /**
   * Takes the blank that is booting now, which is sooner there than one that begins to boot.
   * Resolves with undefined when none comes, or when the signal aborts first.
   */
  adopt(signal: AbortSignal): Promise<B | undefined> {
    if (!this.#booting || this.#adopter !== undefined) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const adopter = (blank: B | undefined): void => {
        signal.removeEventListener("abort", onAbort);
        this.#adopter = undefined;
        resolve(blank);
      };
      const onAbort = (): void => adopter(undefined);
      this.#adopter = adopter;
      if (signal.aborted) onAbort();
      else signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  /**
   * Refills a little after the latest start, when its first request is answered; at once when no
   * blank is left, since the next start would have to boot.
   */
  refillSoon(): void {
    if (this.#waiting.length === 0) {
      this.refill();
      return;
    }
    this.#refillAfter(refillPauseMs);
  }

  #refillAfter(pauseMs: number): void {
    this.#refillTimer?.cancel();
    this.#refillTimer = this.#options.clock.after(pauseMs, () => {
      this.#refillTimer = undefined;
      this.refill();
    });
  }

  /**
   * Boots the next blank if one is missing and nothing more urgent wants to boot. One at a time, so
   * that a refill never takes more than one core from requests.
   */
  refill(): void {
    if (!this.#filling || this.#booting || this.#retryTimer !== undefined) return;
    if (this.#waiting.length >= this.target || !this.#options.idle()) return;
    this.#booting = true;
    void this.#bootOne();
  }

  /** Stops every blank and boots no more. */
  async close(): Promise<void> {
    this.#filling = false;
    for (const timer of this.#timers()) timer?.cancel();
    this.#abort.abort(new Error("the driver is closed"));
    await Promise.all(this.#waiting.splice(0).map((blank) => blank.stop({ graceMs: 0 })));
  }

  #timers(): readonly (Timer | undefined)[] {
    return [this.#retryTimer, this.#refillTimer, this.#windowTimer, this.#shrinkTimer];
  }

  #count(starts: number): void {
    this.#demand.current += starts;
    this.#windowTimer ??= this.#options.clock.after(demandWindowMs, () => this.#nextWindow());
  }

  #nextWindow(): void {
    const { current } = this.#demand;
    const counting = current > 0 || this.#demand.previous > 0;
    this.#demand = { current: 0, previous: current };
    this.#windowTimer = counting
      ? this.#options.clock.after(demandWindowMs, () => this.#nextWindow())
      : undefined;
    this.#shrink();
  }

  #shrink(): void {
    this.#shrinkTimer?.cancel();
    this.#shrinkTimer = undefined;
    if (!this.#filling || this.#waiting.length <= this.target) return;
    void this.#waiting.pop()?.stop({ graceMs: 0 });
    this.#shrinkTimer = this.#options.clock.after(shrinkPauseMs, () => this.#shrink());
  }

  async #bootOne(): Promise<void> {
    try {
      const blank = await this.#options.boot(this.#abort.signal);
      this.#failures = 0;
      if (this.#adopter === undefined) this.#keep(blank);
      else this.#adopter(blank);
    } catch (error) {
      this.#adopter?.(undefined);
      this.#retryLater(error);
    } finally {
      this.#booting = false;
    }
    // A start that came meanwhile has asked for its pause.
    if (this.#refillTimer === undefined) this.refill();
  }

  #keep(blank: B): void {
    this.#waiting.push(blank);
    void blank.exit.then(() => this.#lost(blank));
  }

  /** A blank that died while it waited. */
  #lost(blank: B): void {
    const index = this.#waiting.indexOf(blank);
    if (index === -1) return;
    this.#waiting.splice(index, 1);
    this.#retryLater(new Error(`Blank ${blank.id} died while it waited`));
  }

  #retryLater(cause: unknown): void {
    if (!this.#filling) return;
    const { clock, random, log } = this.#options;
    const waitMs = backoffMs(this.#failures, retry, random);
    this.#failures += 1;
    log.warn("Could not keep a blank instance", { cause: String(cause), retryInMs: waitMs });
    this.#retryTimer?.cancel();
    this.#retryTimer = clock.after(waitMs, () => {
      this.#retryTimer = undefined;
      this.refill();
    });
  }
}
