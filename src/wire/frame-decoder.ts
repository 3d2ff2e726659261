import { frameHeaderBytes } from "./frames.ts";
import { WireError } from "./wire-error.ts";

/** Receives each whole frame. `payload` is only valid during the call: it may be a view into the chunk. */
export type FrameHandler = (type: number, flags: number, stream: number, payload: Buffer) => void;

/**
 * Cuts a byte stream into frames. Any split of the bytes gives the same frames. Holds at most one
 * frame of at most `payloadBytesMax` bytes; a larger one throws `frame_too_large`.
 */
export class FrameDecoder {
  readonly #payloadBytesMax: number;
  readonly #onFrame: FrameHandler;
  readonly #header = Buffer.allocUnsafe(frameHeaderBytes);
  #headerFilled = 0;
  #partial: Buffer | undefined;
  #partialFilled = 0;

  constructor(options: { payloadBytesMax: number; onFrame: FrameHandler }) {
    this.#payloadBytesMax = options.payloadBytesMax;
    this.#onFrame = options.onFrame;
  }

  /** Takes the next bytes, in order; calls `onFrame` for each frame they complete. */
  push(chunk: Buffer): void {
    let at = this.#resume(chunk);
    const end = chunk.length;
    while (end - at >= frameHeaderBytes) {
      const length = this.#checkedLength(chunk, at);
      const bodyAt = at + frameHeaderBytes;
      if (end - bodyAt < length) {
        chunk.copy(this.#header, 0, at, bodyAt);
        this.#headerFilled = frameHeaderBytes;
        this.#begin(length, chunk, bodyAt);
        return;
      }
      const stream = chunk.readUInt32LE(at + 6);
      const payload = chunk.subarray(bodyAt, bodyAt + length);
      this.#onFrame(chunk[at + 4] as number, chunk[at + 5] as number, stream, payload);
      at = bodyAt + length;
    }
    if (at < end) {
      chunk.copy(this.#header, 0, at, end);
      this.#headerFilled = end - at;
    }
  }

  #checkedLength(bytes: Buffer, at: number): number {
    const length = bytes.readUInt32LE(at);
    if (length > this.#payloadBytesMax) {
      throw new WireError(
        "frame_too_large",
        `Frame payload of ${length} bytes is over the limit of ${this.#payloadBytesMax}`,
      );
    }
    return length;
  }

  #begin(length: number, chunk: Buffer, at: number): void {
    this.#partial = Buffer.allocUnsafe(length);
    this.#partialFilled = chunk.copy(this.#partial, 0, at, chunk.length);
  }

  /** Completes a header or payload left over from earlier chunks; returns where fresh frames start. */
  #resume(chunk: Buffer): number {
    let at = 0;
    if (this.#partial === undefined) {
      if (this.#headerFilled === 0) return 0;
      const taken = Math.min(frameHeaderBytes - this.#headerFilled, chunk.length);
      chunk.copy(this.#header, this.#headerFilled, 0, taken);
      this.#headerFilled += taken;
      at = taken;
      if (this.#headerFilled < frameHeaderBytes) return at;
      this.#partial = Buffer.allocUnsafe(this.#checkedLength(this.#header, 0));
      this.#partialFilled = 0;
    }
    const partial = this.#partial;
    const taken = Math.min(partial.length - this.#partialFilled, chunk.length - at);
    chunk.copy(partial, this.#partialFilled, at, at + taken);
    this.#partialFilled += taken;
    at += taken;
    if (this.#partialFilled === partial.length) {
      this.#partial = undefined;
      this.#headerFilled = 0;
      const header = this.#header;
      this.#onFrame(header[4] as number, header[5] as number, header.readUInt32LE(6), partial);
    }
    return at;
  }
}
