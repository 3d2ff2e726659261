import type { Clock } from "../../base/clock.ts";
import { StartError } from "../driver.ts";
import { handshake } from "../process/handshake.ts";
import { linkAborts } from "../process/linked-abort.ts";
import type { StartDeadline, WorkerPod } from "./worker-pod.ts";

export interface PodOpeningOptions {
  readonly clock: Clock;
  /** Gives the pod up when it aborts. */
  readonly signal: AbortSignal;
  readonly open: (signal: AbortSignal) => Promise<WorkerPod>;
  /** Nobody waits for it any more; it must be given to nobody else. */
  readonly onGivenUp: () => void;
}

/** A pod on its way up or there, shared by the starts that wait for it. */
export class PodOpening {
  readonly #options: PodOpeningOptions;
  readonly #abort = new AbortController();
  readonly #pod: Promise<WorkerPod>;
  #waiting = 0;

  constructor(options: PodOpeningOptions) {
    this.#options = options;
    this.#pod = this.#open();
  }

  /** Resolves once the pod is there or will not come; never rejects. */
  async settled(): Promise<void> {
    await Promise.allSettled([this.#pod]);
  }

  /** The pod, for one who waits as long as it takes. */
  wanted(): Promise<WorkerPod> {
    this.#waiting += 1;
    return this.#pod;
  }

  /**
   * The pod; rejects with StartError when the time is up, or with the signal's reason. The last who
   * gives up ends the opening, and goes on when nothing of it is left.
   */
  async wait(deadline: StartDeadline): Promise<WorkerPod> {
    this.#waiting += 1;
    const { clock, onGivenUp } = this.#options;
    const never = new Promise<never>(() => {});
    const ready = this.settled();
    const outcome = await handshake({ ready, exit: never, clock, ...deadline });
    this.#waiting -= 1;
    if (outcome.kind === "ready") return this.#pod;
    if (this.#waiting === 0) {
      onGivenUp();
      this.#abort.abort(new Error("Nobody waits for this pod any more"));
      await ready;
    }
    if (outcome.kind === "aborted") throw deadline.signal.reason;
    const { limitMs } = deadline;
    throw new StartError(
      { reason: "start_timeout", limitMs },
      "",
      `Cannot start the instance: its pod was not ready within ${limitMs} ms`,
    );
  }

  async #open(): Promise<WorkerPod> {
    const { signal, open } = this.#options;
    using linked = linkAborts([signal, this.#abort.signal]);
    return await open(linked.signal);
  }
}
