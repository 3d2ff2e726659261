import type { WireStream } from "../../wire/stream.ts";

/**
 * A request body that is still arriving, as a stream for the user. The host may send more only as
 * the user reads, so at most one credit window waits here.
 */
export class RequestBody {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #wire: WireStream;
  readonly #waiting: Uint8Array[] = [];
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #wanted: (() => void) | undefined;
  #ended = false;
  #discarding = false;

  constructor(wire: WireStream) {
    this.#wire = wire;
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#pull(),
        cancel: () => this.discard(),
      },
      { highWaterMark: 0 },
    );
  }

  /** Takes the next bytes, which are only valid during the call. */
  push(chunk: Uint8Array): void {
    if (this.#discarding) {
      this.#wire.consumed(chunk.length);
      return;
    }
    const kept = new Uint8Array(chunk);
    if (this.#wanted === undefined) {
      this.#waiting.push(kept);
      return;
    }
    this.#deliver(kept);
    this.#satisfy();
  }

  /** The last byte was pushed. */
  end(): void {
    this.#ended = true;
    if (this.#waiting.length > 0 || this.#discarding) return;
    this.#controller?.close();
    this.#satisfy();
  }

  /** Makes reads fail: the client left or the request was cancelled. */
  fail(reason: unknown): void {
    if (this.#discarding || (this.#ended && this.#waiting.length === 0)) return;
    this.#discarding = true;
    this.#waiting.length = 0;
    this.#controller?.error(reason);
    this.#satisfy();
  }

  /** Nobody read the body while it could be read: drops the rest, and says so to a late reader. */
  refuse(): void {
    if (this.#discarding || (this.#ended && this.#waiting.length === 0)) return;
    this.discard();
    this.#controller?.error(
      new Error("The request body is gone: it was not being read when the response was complete"),
    );
  }

  /** Takes the rest without keeping it, so that the sender does not wait for a reader. */
  discard(): void {
    if (this.#discarding) return;
    this.#discarding = true;
    for (const chunk of this.#waiting.splice(0)) this.#wire.consumed(chunk.length);
    this.#satisfy();
  }

  #pull(): Promise<void> | undefined {
    const next = this.#waiting.shift();
    if (next !== undefined) {
      this.#deliver(next);
      if (this.#ended && this.#waiting.length === 0) this.#controller?.close();
      return undefined;
    }
    return new Promise((resolve) => {
      this.#wanted = resolve;
    });
  }

  #deliver(chunk: Uint8Array): void {
    this.#controller?.enqueue(chunk);
    this.#wire.consumed(chunk.length);
  }

  #satisfy(): void {
    const wanted = this.#wanted;
    this.#wanted = undefined;
    wanted?.();
  }
}
