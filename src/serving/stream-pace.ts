import type { ManifestLimits } from "../domain/manifest.ts";

/**
 * Whether a response that streams is still alive. Bytes in either direction count as life; while
 * the client has not taken what is there, the function is not the one that is silent. Time is only
 * looked at when asked, so a response that ends before the first look costs no clock.
 */
export class StreamPace {
  readonly #limits: ManifestLimits;
  #moved = true;
  #untakenBytes = 0;
  #startedMs: number | undefined;
  #lastMovedMs = 0;

  constructor(limits: ManifestLimits) {
    this.#limits = limits;
  }

  /** The function sent bytes. */
  sent(bytes: number): void {
    this.#untakenBytes += bytes;
    this.#moved = true;
  }

  /** The client took bytes. */
  taken(bytes: number): void {
    this.#untakenBytes -= bytes;
    this.#moved = true;
  }

  /** The client sent bytes. */
  received(): void {
    this.#moved = true;
  }

  /** What bound is broken at `nowMs` (monotonic), as the end of a sentence about the function. */
  broken(nowMs: number): string | undefined {
    const { idleTimeoutMs, streamTimeoutMs } = this.#limits;
    this.#startedMs ??= nowMs;
    if (this.#moved || this.#untakenBytes > 0) {
      this.#moved = false;
      this.#lastMovedMs = nowMs;
    }
    if (nowMs - this.#lastMovedMs >= idleTimeoutMs) {
      return `sent nothing for idle_timeout_ms of ${idleTimeoutMs} ms`;
    }
    if (nowMs - this.#startedMs >= streamTimeoutMs) {
      return `streamed for longer than stream_timeout_ms of ${streamTimeoutMs} ms`;
    }
    return undefined;
  }
}
