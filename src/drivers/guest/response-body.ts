import { dataPayloadBytesMax } from "../../wire/frames.ts";
import type { WireStream } from "../../wire/stream.ts";

/** Largest piece handed to the stream at once: what exceeds the credit is copied and kept. */
const sliceBytesMax = 4 * dataPayloadBytesMax;

const encoder = new TextEncoder();

/** Sends one response body under the host's credit: from a reader, or bytes that are in memory. */
export class ResponseBody {
  readonly #wire: WireStream;
  #reader: ReadableStreamDefaultReader<unknown> | undefined;
  #room: (() => void) | undefined;
  #stopped = false;

  constructor(wire: WireStream) {
    this.#wire = wire;
  }

  /** Sends a stream to its end. Resolves false when it was stopped; rejects with the stream's error. */
  async sendStream(body: ReadableStream<unknown>): Promise<boolean> {
    const reader = body.getReader();
    this.#reader = reader;
    for (;;) {
      const { done, value } = await reader.read();
      if (this.#stopped) return false;
      if (done) return true;
      const sent = this.#sendSlices(bytesOf(value));
      if (sent !== undefined && !(await sent)) return false;
    }
  }

  /** Sends bytes that are in memory already. Resolves false when it was stopped. */
  async sendBytes(bytes: Uint8Array): Promise<boolean> {
    return (await this.#sendSlices(bytes)) ?? true;
  }

  /** The host took everything written so far. */
  drained(): void {
    const room = this.#room;
    this.#room = undefined;
    room?.();
  }

  /** Stops sending and cancels the reader. The rejection of a failing `cancel` goes to `onError`. */
  stop(reason: unknown, onError: (error: unknown) => void): void {
    this.#stopped = true;
    this.#reader?.cancel(reason).catch(onError);
    this.drained();
  }

  /** Returns undefined when everything was accepted at once, so that small chunks cost no promise. */
  #sendSlices(bytes: Uint8Array): Promise<boolean> | undefined {
    if (bytes.length === 0) return undefined;
    if (bytes.length > sliceBytesMax) return this.#sendLarge(bytes);
    return this.#wire.write(bytes) ? undefined : this.#untilRoom();
  }

  async #sendLarge(bytes: Uint8Array): Promise<boolean> {
    for (let at = 0; at < bytes.length; at += sliceBytesMax) {
      const accepted = this.#wire.write(bytes.subarray(at, at + sliceBytesMax));
      if (!accepted && !(await this.#untilRoom())) return false;
    }
    return true;
  }

  async #untilRoom(): Promise<boolean> {
    await new Promise<void>((resolve) => {
      this.#room = resolve;
    });
    return !this.#stopped;
  }
}

/** Users enqueue text too, although the platform's type says bytes. */
function bytesOf(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (typeof chunk === "string") return encoder.encode(chunk);
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  if (ArrayBuffer.isView(chunk)) {
    return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  }
  throw new TypeError(
    `The response's stream gave a chunk of type ${chunk === null ? "null" : typeof chunk}: chunks must be bytes or strings`,
  );
}
