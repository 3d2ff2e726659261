import { dataPayloadBytesMax, frameHeaderBytes, streamWindowBytes } from "./frames.ts";
import { type RequestHead, requestHeadBytes, writeRequestHead } from "./heads.ts";

/** Room for the largest frame of body bytes, and for some small ones. */
const slabBytes = dataPayloadBytesMax + 2048;
/** Payloads from this size on may be handed to the transport as they are instead of being copied. */
const copyBytesMax = 16 * 1024;
/** Slabs that wait for a slow transport and are used again: a stream's window of them. */
const lentSlabsMax = streamWindowBytes / dataPayloadBytesMax;

/** Texts of up to this many characters are encoded straight into a frame: at most 48 KiB. */
export const headTextCharsMax = 16 * 1024;
/** The most bytes of UTF-8 that one UTF-16 unit becomes. */
const utf8BytesMax = 3;

/**
 * Where frames go; order is kept. `write` returns whether these bytes and all before them were
 * handed to the system: until then the sink needs them to stay as they are, afterwards the writer
 * fills the same memory again, which spares the collector a buffer per batch. It must not call back
 * into the connection before it returns, as no socket does.
 */
export interface ByteSink {
  write(bytes: Buffer): boolean;
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
  #slab: Buffer = Buffer.allocUnsafe(slabBytes);
  #start = 0;
  #end = 0;
  #scheduled = false;
  /** Whether every payload of a stream may be reused by the caller after the call. */
  readonly copiesAll: boolean;
  readonly #copyBytesMax: number;
  /** Slabs that the transport may still send from, and slabs that are free again. */
  readonly #lent: Buffer[] = [];
  readonly #free: Buffer[] = [];

  constructor(options: {
    readonly sink: ByteSink;
    readonly endOfTurn: (flush: () => void) => void;
    readonly copiesAll?: boolean;
  }) {
    this.#sink = options.sink;
    this.#endOfTurn = options.endOfTurn;
    this.copiesAll = options.copiesAll === true;
    // What is larger than a stream's frames is the one that brings the code: no slab is made for it.
    this.#copyBytesMax = this.copiesAll ? dataPayloadBytesMax + 1 : copyBytesMax;
  }

  /** Appends a frame. `payload` may be reused by the caller, one of 16 KiB or more if `copiesAll`, and one of more than 64 KiB never. */
  frame(type: number, flags: number, stream: number, payload?: Uint8Array): void {
    const length = payload === undefined ? 0 : payload.length;
    if (payload === undefined || length < this.#copyBytesMax) {
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

  /**
   * Appends a head frame: `headLength:u32le head body`; `head`, a response's text or a request's
   * fields, holds Latin-1 characters only.
   */
  headFrame(
    type: number,
    flags: number,
    stream: number,
    head: string | RequestHead,
    body?: Uint8Array,
  ): void {
    const bodyBytes = body === undefined ? 0 : body.length;
    const headBytes = typeof head === "string" ? head.length : requestHeadBytes(head);
    const length = 4 + headBytes + bodyBytes;
    const inlineBytes = bodyBytes < this.#copyBytesMax ? length : 4 + headBytes;
    const at = this.#header(type, flags, stream, length, inlineBytes);
    this.#slab.writeUInt32LE(headBytes, at);
    if (typeof head === "string") this.#slab.write(head, at + 4, headBytes, "latin1");
    else writeRequestHead(head, this.#slab, at + 4);
    const bodyAt = at + 4 + headBytes;
    if (body === undefined) {
      this.#end = bodyAt;
    } else if (bodyBytes < this.#copyBytesMax) {
      this.#slab.set(body, bodyAt);
      this.#end = bodyAt + bodyBytes;
    } else {
      this.#end = bodyAt;
      this.flush();
      this.#sink.write(Buffer.from(body.buffer, body.byteOffset, bodyBytes));
    }
    this.#schedule();
  }

  /**
   * Appends a head frame whose body is `text` in UTF-8, at most `headTextCharsMax` characters;
   * returns the body's bytes. Encoding it in place costs a tenth of making a buffer of it first.
   */
  headTextFrame(type: number, flags: number, stream: number, head: string, text: string): number {
    const fixed = 4 + head.length;
    const at = this.#header(type, flags, stream, 0, fixed + text.length * utf8BytesMax);
    const slab = this.#slab;
    slab.writeUInt32LE(head.length, at);
    slab.write(head, at + 4, head.length, "latin1");
    const bodyBytes = slab.write(text, at + fixed, "utf8");
    slab.writeUInt32LE(fixed + bodyBytes, at - frameHeaderBytes);
    this.#end = at + fixed + bodyBytes;
    this.#schedule();
    return bodyBytes;
  }

  /** Hands over what is buffered now. */
  flush(): void {
    if (this.#end === this.#start) return;
    const batch = this.#slab.subarray(this.#start, this.#end);
    this.#start = this.#end;
    if (!this.#sink.write(batch)) return;
    this.#start = 0;
    this.#end = 0;
    if (this.#lent.length > 0) this.#reclaim();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#endOfTurn(this.#flushAtEndOfTurn);
  }

  /** Hands over the full slab; while the transport still needs it, another takes its place. */
  #renew(bytes: number): void {
    this.flush();
    if (this.#start === 0 && bytes <= this.#slab.length) return;
    if (this.#start > 0 && this.#lent.length < lentSlabsMax) this.#lent.push(this.#slab);
    const known = bytes <= slabBytes ? this.#free.pop() : undefined;
    this.#slab = known ?? Buffer.allocUnsafe(Math.max(slabBytes, bytes));
    this.#start = 0;
    this.#end = 0;
  }

  /** The transport is done with every slab; one that was made for a large head is not kept. */
  #reclaim(): void {
    for (const slab of this.#lent) {
      if (slab.length === slabBytes && this.#free.length < lentSlabsMax) this.#free.push(slab);
    }
    this.#lent.length = 0;
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
