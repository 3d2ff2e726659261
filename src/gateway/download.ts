import type { ServerResponse } from "node:http";
import type { Swept } from "../serving/deadline-sweep.ts";
import type { GatewayContext } from "./gateway-context.ts";

/** What hears about a download. */
export interface DownloadSource {
  /** The client took `bytes`. */
  taken(bytes: number): void;
  /** More came than the declared length. */
  overran(): void;
  /** The client took nothing for `writeIdleMs`. */
  readerStalled(): void;
}

/** Node hands listeners the emitter as `this`; the download travels on it. */
interface DownloadResponse extends ServerResponse {
  download?: Download;
}

export interface DownloadOptions {
  readonly context: GatewayContext;
  readonly response: ServerResponse;
  readonly source: DownloadSource;
  /** What the head says; undefined when it is chunked. */
  readonly contentLength: number | undefined;
  /** The answer has a head only (HEAD, 204, 304): body bytes are dropped. */
  readonly bodyless: boolean;
}

/** A streamed response body on its way out, held back by a client that reads slowly. */
export class Download implements Swept {
  isSwept = false;
  previousSwept: Swept | undefined;
  nextSwept: Swept | undefined;
  readonly #options: DownloadOptions;
  readonly #response: DownloadResponse;
  #sentBytes = 0;
  #undrainedBytes = 0;
  #lastMovedMs = 0;

  constructor(options: DownloadOptions) {
    this.#options = options;
    this.#response = options.response;
    this.#response.download = this;
  }

  /** Sends a chunk, which may be kept. */
  send(chunk: Buffer): void {
    const { source, contentLength, bodyless } = this.#options;
    const bytes = chunk.length;
    if (bodyless) {
      source.taken(bytes);
      return;
    }
    this.#sentBytes += bytes;
    if (contentLength !== undefined && this.#sentBytes > contentLength) source.overran();
    else if (this.#response.write(chunk)) source.taken(bytes);
    else this.#holdBack(bytes);
  }

  /** Ends the answer; false when it is shorter than it said, and then it is cut off. */
  finish(): boolean {
    this.#options.context.sweep.remove(this);
    const { contentLength, bodyless } = this.#options;
    if (bodyless || contentLength === undefined || contentLength === this.#sentBytes) {
      this.#response.end();
      return true;
    }
    this.#response.destroy();
    return false;
  }

  /** Breaks the connection: only that says that the body is not all of it. */
  cut(): void {
    this.#options.context.sweep.remove(this);
    this.#response.destroy();
  }

  /** The client took some of what was written: Bun says so before it took all. */
  drained(): void {
    const left = Math.min(this.#undrainedBytes, this.#response.writableLength);
    const taken = this.#undrainedBytes - left;
    this.#undrainedBytes = left;
    this.#lastMovedMs = this.#options.context.clock.monotonicMs();
    if (left > 0) this.#response.once("drain", onDrain);
    else this.#options.context.sweep.remove(this);
    if (taken > 0) this.#options.source.taken(taken);
  }

  sweep(nowMs: number): void {
    const { context, source } = this.#options;
    if (nowMs - this.#lastMovedMs >= context.settings.writeIdleMs) source.readerStalled();
  }

  #holdBack(bytes: number): void {
    if (this.#undrainedBytes === 0) this.#response.once("drain", onDrain);
    this.#undrainedBytes += bytes;
    this.#lastMovedMs = this.#options.context.clock.monotonicMs();
    this.#options.context.sweep.add(this);
  }
}

function onDrain(this: DownloadResponse): void {
  this.download?.drained();
}
