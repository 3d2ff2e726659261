import type { IncomingMessage, ServerResponse } from "node:http";
import type { Swept } from "../serving/deadline-sweep.ts";
import type { GatewayContext } from "./gateway-context.ts";

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
  /** Nothing came for `bodyIdleMs`. */
  bodyStalled(): void;
}

/** Node hands listeners the emitter as `this`; the upload travels on it, so no closure is made per request. */
interface UploadRequest extends IncomingMessage {
  upload?: Upload;
}

export interface UploadOptions {
  readonly context: GatewayContext;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly target: UploadTarget;
  /** Declared length; 0 when it is chunked. */
  readonly contentLength: number;
  readonly bytesMax: number;
  /** The client waits for `100 Continue` before it sends. */
  readonly expectsContinue: boolean;
}

//  idle --gather--> gathering --all--> complete
//  idle --stream--> streaming --all--> complete
//  any --stop--> stopped
type UploadState = "idle" | "gathering" | "streaming" | "complete" | "stopped";

/** A request body on its way in: small ones whole, larger ones as they come and are taken. */
export class Upload implements Swept {
  isSwept = false;
  previousSwept: Swept | undefined;
  nextSwept: Swept | undefined;
  readonly #options: UploadOptions;
  readonly #request: UploadRequest;
  #state: UploadState = "idle";
  #gathered: Buffer | undefined;
  #receivedBytes = 0;
  #lastMovedMs = -1;

  constructor(options: UploadOptions) {
    this.#options = options;
    this.#request = options.request;
  }

  /** Whether the client has sent everything. */
  get complete(): boolean {
    return this.#state === "complete";
  }

  /** Collects a body of at most `gatheredBytesMax`. */
  gather(): void {
    this.#begin("gathering");
  }

  /** Streams; called again after `streamed` gave false. */
  resume(): void {
    if (this.#state === "streaming") this.#request.resume();
    else if (this.#state === "idle") this.#begin("streaming");
  }

  /** Nobody wants the rest. */
  stop(): void {
    if (this.#state === "complete") return;
    this.#state = "stopped";
    this.#options.context.sweep.remove(this);
  }

  received(chunk: Buffer): void {
    this.#receivedBytes += chunk.length;
    if (this.#state === "gathering") this.#gather(chunk);
    else if (this.#state === "streaming") this.#stream(chunk);
  }

  receivedAll(): void {
    if (this.#state !== "streaming") return;
    this.#completed();
    this.#options.target.ended();
  }

  /** Time is first looked at here, so a body that comes at once costs no clock. */
  sweep(nowMs: number): void {
    // While the function takes nothing, the client is not the one that is silent.
    if (this.#lastMovedMs < 0 || this.#request.isPaused()) this.#lastMovedMs = nowMs;
    const { context, target } = this.#options;
    if (nowMs - this.#lastMovedMs >= context.settings.bodyIdleMs) target.bodyStalled();
  }

  #begin(state: "gathering" | "streaming"): void {
    this.#state = state;
    const request = this.#request;
    request.upload = this;
    this.#options.context.sweep.add(this);
    if (this.#options.expectsContinue) this.#options.response.writeContinue();
    request.on("data", onData);
    if (state === "streaming") request.on("end", onEnd);
  }

  #gather(chunk: Buffer): void {
    const { contentLength, target } = this.#options;
    if (chunk.length === contentLength) {
      this.#completed();
      target.gathered(chunk);
      return;
    }
    this.#lastMovedMs = -1;
    this.#gathered ??= Buffer.allocUnsafe(contentLength);
    chunk.copy(this.#gathered, this.#receivedBytes - chunk.length);
    if (this.#receivedBytes < contentLength) return;
    this.#completed();
    target.gathered(this.#gathered);
  }

  #completed(): void {
    this.#state = "complete";
    this.#options.context.sweep.remove(this);
  }

  #stream(chunk: Buffer): void {
    const { bytesMax, target } = this.#options;
    this.#lastMovedMs = -1;
    if (this.#receivedBytes > bytesMax) target.tooLarge();
    else if (!target.streamed(chunk)) this.#request.pause();
  }
}

function onData(this: UploadRequest, chunk: Buffer): void {
  this.upload?.received(chunk);
}

function onEnd(this: UploadRequest): void {
  this.upload?.receivedAll();
}
