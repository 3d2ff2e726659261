import type { ManifestLimits } from "../domain/manifest.ts";

/** How much of a response, and of its request, has moved so far. */
export interface Moved {
  /** Bytes that the client sent. */
  readonly inBytes: number;
  /** Bytes that the function sent. */
  readonly outBytes: number;
  /** Of those, bytes that the client has taken. */
  readonly takenBytes: number;
}

/**
 * Whether a response that streams is still alive. Bytes in either direction count as life; while
 * the client has not taken what is there, the function is not the one that is silent. Made at the
 * first look, so a response that ends before it costs nothing.
 */
export class StreamPace {
  readonly #limits: ManifestLimits;
  readonly #startedMs: number;
  #movedMs: number;
  #inBytes = -1;
  #outBytes = -1;
  #takenBytes = -1;

  /** `nowMs` is monotonic. */
  constructor(limits: ManifestLimits, nowMs: number) {
    this.#limits = limits;
    this.#startedMs = nowMs;
    this.#movedMs = nowMs;
  }

  /** What bound is broken at `nowMs`, as the end of a sentence about the function. */
  broken(nowMs: number, { inBytes, outBytes, takenBytes }: Moved): string | undefined {
    const { idleTimeoutMs, streamTimeoutMs } = this.#limits;
    const moved =
      inBytes !== this.#inBytes || outBytes !== this.#outBytes || takenBytes !== this.#takenBytes;
    if (moved || takenBytes < outBytes) this.#movedMs = nowMs;
    this.#inBytes = inBytes;
    this.#outBytes = outBytes;
    this.#takenBytes = takenBytes;
    if (nowMs - this.#movedMs >= idleTimeoutMs) {
      return `sent nothing for idle_timeout_ms of ${idleTimeoutMs} ms`;
    }
    if (nowMs - this.#startedMs >= streamTimeoutMs) {
      return `streamed for longer than stream_timeout_ms of ${streamTimeoutMs} ms`;
    }
    return undefined;
  }
}
