import { type BackoffOptions, backoffMs } from "../../base/backoff.ts";
import type { Clock, Timer } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Random } from "../../base/random.ts";
import type { Instance } from "../driver.ts";

const retry: BackoffOptions = { firstMs: 100, maxMs: 30_000, factor: 2 };

/** An instance that has no function yet. */
export interface Blank extends Pick<Instance, "id" | "exit" | "stop"> {
  fromBlank: boolean;
}

export interface BlankPoolOptions<B extends Blank> {
  /** How many blanks wait at most. */
  readonly blanksMax: number;
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

  constructor(options: BlankPoolOptions<B>) {
    this.#options = options;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /** Keeps the pool full from here on. */
  fill(): void {
    this.#filling = true;
    this.refill();
  }

  /** Takes a blank out for good; undefined when none waits. */
  take(): B | undefined {
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
   * Boots the next blank if one is missing and nothing more urgent wants to boot. One at a time, so
   * that a refill never takes more than one core from requests.
   */
  refill(): void {
    const { blanksMax, idle } = this.#options;
    if (!this.#filling || this.#booting || this.#retryTimer !== undefined) return;
    if (this.#waiting.length >= blanksMax || !idle()) return;
    this.#booting = true;
    void this.#bootOne();
  }

  /** Stops every blank and boots no more. */
  async close(): Promise<void> {
    this.#filling = false;
    this.#retryTimer?.cancel();
    this.#abort.abort(new Error("the driver is closed"));
    await Promise.all(this.#waiting.splice(0).map((blank) => blank.stop({ graceMs: 0 })));
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
    this.refill();
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
