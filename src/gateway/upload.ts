import type { HttpExchange } from "../http/http-exchange.ts";

/** Request bodies up to this size are complete before the function is asked, so a slow client holds no slot. */
export const gatheredBytesMax = 64 * 1024;

/** Who takes the body. */
export interface UploadTarget {
  /** A small body is complete. */
  gathered(body: Buffer): void;
  /** Bytes of a larger one; false means that `resume` will be called for more. */
  streamed(chunk: Buffer): boolean;
  /** A larger one is complete. */
  ended(): void;
  /** More came than the function takes. */
  tooLarge(): void;
}

export interface UploadOptions {
  readonly http: HttpExchange;
  readonly target: UploadTarget;
  readonly bytesMax: number;
}

//  idle --gather--> gathering --all--> complete
//  idle --stream--> streaming --all--> complete
//  any --stop--> stopped
type UploadState = "idle" | "gathering" | "streaming" | "complete" | "stopped";

/** A request body on its way in: small ones whole, larger ones as they come and are taken. */
export class Upload {
  readonly #options: UploadOptions;
  #state: UploadState = "idle";
  #gathered: Buffer | undefined;
  /** What came of a body whose length is not declared. */
  readonly #pieces: Buffer[] = [];
  #receivedBytes = 0;

  constructor(options: UploadOptions) {
    this.#options = options;
  }

  /** Collects the body: a small one, or one that is checked before the function sees it. */
  gather(): void {
    this.#state = "gathering";
    this.#options.http.readBody();
  }

  /** Streams; called again after `streamed` gave false. */
  resume(): void {
    if (this.#state === "idle") this.#state = "streaming";
    if (this.#state === "streaming") this.#options.http.readBody();
  }

  /** Nobody wants the rest. */
  stop(): void {
    if (this.#state === "complete") return;
    this.#state = "stopped";
    this.#options.http.stopBody();
  }

  received(chunk: Buffer): void {
    this.#receivedBytes += chunk.length;
    if (this.#state === "gathering") this.#gather(chunk);
    else if (this.#state === "streaming") this.#stream(chunk);
  }

  receivedAll(): void {
    const isGathering = this.#state === "gathering";
    if (!isGathering && this.#state !== "streaming") return;
    this.#state = "complete";
    if (isGathering) this.#options.target.gathered(this.#gathered ?? Buffer.concat(this.#pieces));
    else this.#options.target.ended();
  }

  #gather(chunk: Buffer): void {
    const { http, bytesMax, target } = this.#options;
    if (!http.chunked) {
      this.#gathered ??= Buffer.allocUnsafe(http.contentLength);
      chunk.copy(this.#gathered, this.#receivedBytes - chunk.length);
    } else if (this.#receivedBytes > bytesMax) {
      target.tooLarge();
    } else {
      this.#pieces.push(Buffer.from(chunk));
    }
  }

  #stream(chunk: Buffer): void {
    const { http, bytesMax, target } = this.#options;
    if (this.#receivedBytes > bytesMax) target.tooLarge();
    else if (!target.streamed(chunk)) http.pauseBody();
  }
}
