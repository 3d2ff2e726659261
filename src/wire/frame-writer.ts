import { frameHeaderBytes } from "./frames.ts";

const slabBytes = 64 * 1024;
/** Payloads from this size on are handed to the transport as they are instead of being copied. */
const copyBytesMax = 16 * 1024;

/**
 * Where frames go. `write` keeps the bytes until they are sent; order is kept. It must not call back
 * into the connection before it returns, as no socket does.
 */
export interface ByteSink {
  write(bytes: Buffer): void;
}

/**
 * Encodes frames and hands them over in batches: everything written during one turn of the event
 * loop leaves in one `write`, since a system call per frame costs more than the frame.
 */
export class FrameWriter {
  readonly #sink: ByteSink;
  readonly #endOfTurn: (flush: () => void) => void;
  readonly #flushAtEndOfTurn = (): void => {
    this.#scheduled = false;
    this.flush();
  };
  #slab = Buffer.allocUnsafe(slabBytes);
  #start = 0;
  #end = 0;
  #scheduled = false;

  constructor(options: { sink: ByteSink; endOfTurn: (flush: () => void) => void }) {
    this.#sink = options.sink;
    this.#endOfTurn = options.endOfTurn;
  }

  /** Appends a frame. `payload` may be reused by the caller unless it is 16 KiB or longer. */
  frame(type: number, flags: number, stream: number, payload?: Uint8Array): void {
    const length = payload === undefined ? 0 : payload.length;
    if (payload === undefined || length < copyBytesMax) {
      const at = this.#header(type, flags, stream, length, length);
      if (payload !== undefined) this.#slab.set(payload, at);
      this.#end = at + length;
    } else {
      this.#end = this.#header(type, flags, stream, length, 0);
      this.flush();
      this.#sink.write(Buffer.from(payload.buffer, payload.byteOffset, length));
    }
    this.#schedule();
  }

  /** Appends a head frame: `headLength:u32le head body`; `head` holds Latin-1 characters only. */
  headFrame(type: number, flags: number, stream: number, head: string, body?: Uint8Array): void {
    const bodyBytes = body === undefined ? 0 : body.length;
    const length = 4 + head.length + bodyBytes;
    const inlineBytes = bodyBytes < copyBytesMax ? length : 4 + head.length;
    const at = this.#header(type, flags, stream, length, inlineBytes);
    this.#slab.writeUInt32LE(head.length, at);
    this.#slab.write(head, at + 4, head.length, "latin1");
    const bodyAt = at + 4 + head.length;
    if (body === undefined) {
      this.#end = bodyAt;
    } else if (bodyBytes < copyBytesMax) {
      this.#slab.set(body, bodyAt);
      this.#end = bodyAt + bodyBytes;
    } else {
      this.#end = bodyAt;
      this.flush();
      this.#sink.write(Buffer.from(body.buffer, body.byteOffset, bodyBytes));
    }
    this.#schedule();
  }

  /** Hands over what is buffered now. */
  flush(): void {
    if (this.#end === this.#start) return;
    const batch = this.#slab.subarray(this.#start, this.#end);
    this.#start = this.#end;
    this.#sink.write(batch);
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#endOfTurn(this.#flushAtEndOfTurn);
  }

  /** Hands over the full slab, which belongs to the transport from then on, and takes a fresh one. */
  #renew(bytes: number): void {
    const full = this.#slab.subarray(this.#start, this.#end);
    this.#slab = Buffer.allocUnsafe(Math.max(slabBytes, bytes));
    this.#start = 0;
    this.#end = 0;
    if (full.length > 0) this.#sink.write(full);
  }

  /** Writes a header into a slab with room for it and `roomBytes` more; returns where the payload goes. */
  #header(type: number, flags: number, stream: number, length: number, roomBytes: number): number {
    const need = frameHeaderBytes + roomBytes;
    if (this.#end + need > this.#slab.length) this.#renew(need);
    const slab = this.#slab;
    const at = this.#end;
    slab.writeUInt32LE(length, at);
    slab[at + 4] = type;
    slab[at + 5] = flags;
    slab.writeUInt32LE(stream, at + 6);
    return at + frameHeaderBytes;
  }
}
