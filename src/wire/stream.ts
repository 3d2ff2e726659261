import type { FrameWriter } from "./frame-writer.ts";
import { dataPayloadBytesMax, frameFlag, frameType, streamWindowBytes } from "./frames.ts";
import type { RequestHead } from "./heads.ts";
import { WireError } from "./wire-error.ts";

/** What the owner of a stream hears. Chunks are only valid during the call: copy to keep. */
export interface StreamListener {
  /** The response head (host) with the first body bytes. `type` is `response` or `upgrade`. */
  head?(head: string, body: Buffer, type: number): void;
  data(chunk: Buffer): void;
  /** The peer's last byte arrived. Follows the last `head` or `data`. */
  end(): void;
  /** The peer wants nothing more of this stream. */
  cancelled(reason: string): void;
  /** JSON of a `failure`, `reply` or `opened` frame; the first two end the stream. */
  answer?(type: number, json: string): void;
  /** A WebSocket message, or a part of one that goes on until `last`. Consumes as `data` does, an empty one 1 byte. */
  message?(bytes: Buffer, text: boolean, last: boolean): void;
  log?(payload: Buffer): void;
  /** Everything written so far was accepted; write more. */
  drained(): void;
  /** The connection ended first; nothing follows. */
  closed(error: WireError): void;
}

/** Credit is granted in steps, so that small chunks do not cost a frame each. */
const creditStepBytes = streamWindowBytes / 2;

interface PendingFrame {
  readonly type: number;
  readonly flags: number;
  /** What is left of it, a part of `memory`. */
  bytes: Buffer;
  readonly memory: Buffer;
}

/**
 * One stream of a connection, with credit both ways.
 *
 *   open --end sent--> half-closed (local) --end received--> closed
 *   open --end received--> half-closed (remote) --end sent--> closed
 *   any --failure or cancel--> closed
 */
export class WireStream {
  readonly id: number;
  listener: StreamListener;
  /** Used by the connection's table of streams only. */
  nextInBucket: WireStream | undefined;
  /** Whether the peer's response head has come; kept by the connection. */
  headReceived = false;
  readonly #writer: FrameWriter;
  readonly #forget: (id: number) => void;
  readonly #pending: PendingFrame[] = [];
  /** Memory of a frame that waited and has left, for the next that has to wait. */
  #spare: Buffer | undefined;
  #sendCredit = streamWindowBytes;
  #receiveCredit = streamWindowBytes;
  #consumedBytes = 0;
  #endAfterPending = false;
  #localEnded = false;
  #remoteEnded = false;

  constructor(options: {
    id: number;
    writer: FrameWriter;
    listener: StreamListener;
    forget: (id: number) => void;
  }) {
    this.id = options.id;
    this.#writer = options.writer;
    this.listener = options.listener;
    this.#forget = options.forget;
  }

  get localEnded(): boolean {
    return this.#localEnded;
  }

  get remoteEnded(): boolean {
    return this.#remoteEnded;
  }

  /**
   * Sends a head with the body bytes that are known already; `end` when they are all. A response's
   * head is its text, a request's its fields. Returns as `write` does. Nothing is sent once this direction has ended.
   */
  head(
    type: number,
    head: string | RequestHead,
    body: Uint8Array | undefined,
    end: boolean,
  ): boolean {
    if (this.#localEnded) return true;
    if (body === undefined || body.length <= dataPayloadBytesMax) {
      if (body !== undefined) this.#sendCredit -= body.length;
      this.#writer.headFrame(type, end ? frameFlag.end : 0, this.id, head, body);
      if (end) this.#endLocal();
      return true;
    }
    this.#writer.headFrame(type, 0, this.id, head);
    const room = this.write(body);
    if (end) this.end();
    return room;
  }

  /** Sends a head and its whole body, `text` of at most `headTextCharsMax` characters. */
  headText(type: number, head: string, text: string): void {
    if (this.#localEnded) return;
    this.#sendCredit -= this.#writer.headTextFrame(type, frameFlag.end, this.id, head, text);
    this.#endLocal();
  }

  /**
   * Sends body bytes; false means wait for `drained`. Bytes beyond the credit are copied and kept.
   * A chunk of 16 KiB or more must not change afterwards, unless the connection copies all, as a
   * host's does: the transport sends it as it is.
   */
  write(chunk: Uint8Array): boolean {
    if (chunk.length === 0) return this.#pending.length === 0;
    return this.#queue(frameType.data, 0, chunk);
  }

  /** Ends this direction once everything written has left. */
  end(): void {
    if (this.#localEnded) return;
    if (this.#pending.length > 0) {
      this.#endAfterPending = true;
      return;
    }
    this.#writer.frame(frameType.data, frameFlag.end, this.id);
    this.#endLocal();
  }

  /** Sends a JSON frame of the given type on this stream. */
  json(type: number, value: unknown): void {
    this.send(type, Buffer.from(JSON.stringify(value)));
  }

  /** Sends a frame of the given type, at most `payloadBytesMax` of the peer's, on this stream. */
  send(type: number, payload: Uint8Array): void {
    this.#writer.frame(type, 0, this.id, payload);
  }

  /** Sends one WebSocket message, in parts when it is long; false means wait for `drained`. */
  message(bytes: Uint8Array, text: boolean): boolean {
    return this.#queue(frameType.message, text ? frameFlag.text : 0, bytes);
  }

  /** Reports failure (guest) and closes the stream both ways. */
  fail(value: unknown): void {
    this.json(frameType.failure, value);
    this.close();
  }

  /** Asks the peer to stop. The stream stays known until the peer's `failure` or end answers. */
  cancel(reason: string): void {
    if (this.#localEnded && this.#remoteEnded) return;
    this.#pending.length = 0;
    this.#writer.frame(frameType.cancel, 0, this.id, Buffer.from(reason));
    this.#localEnded = true;
    if (this.#remoteEnded) this.#forget(this.id);
  }

  /** Resets the stream both ways without waiting for an answer. */
  reset(reason: string): void {
    this.cancel(reason);
    this.close();
  }

  /** Forgets the stream on this side without telling the peer. */
  close(): void {
    this.#pending.length = 0;
    this.#localEnded = true;
    this.#remoteEnded = true;
    this.#forget(this.id);
  }

  /** Grants the peer `bytes` more, once the listener is done with them. */
  consumed(bytes: number): void {
    this.#consumedBytes += bytes;
    if (this.#consumedBytes < creditStepBytes || this.#remoteEnded) return;
    const payload = Buffer.allocUnsafe(4);
    payload.writeUInt32LE(this.#consumedBytes, 0);
    this.#receiveCredit += this.#consumedBytes;
    this.#consumedBytes = 0;
    this.#writer.frame(frameType.credit, 0, this.id, payload);
  }

  /** Called by the connection for `request`, `response` and `upgrade` body bytes and for `data`. */
  received(bytes: number, flags: number): void {
    this.#receiveCredit -= bytes;
    if (this.#receiveCredit < 0) {
      throw new WireError("window_exceeded", `Stream ${this.id} sent more than its credit`);
    }
    if (this.#remoteEnded)
      throw new WireError("bad_stream", `Stream ${this.id} sent after its end`);
    if ((flags & frameFlag.end) !== 0) {
      this.#remoteEnded = true;
      if (this.#localEnded) this.#forget(this.id);
    }
  }

  /** Called by the connection when the peer grants credit. */
  granted(bytes: number): void {
    this.#sendCredit += bytes;
    if (this.#sendCredit > 2 ** 40) throw new WireError("bad_frame", "Credit overflow");
    let frame = this.#pending[0];
    if (frame === undefined) return;
    while (frame !== undefined) {
      const rest = this.#send(frame.type, frame.flags, frame.bytes);
      if (rest !== undefined) {
        frame.bytes = rest;
        return;
      }
      this.#pending.shift();
      if (this.#writer.copiesAll) this.#spare = frame.memory;
      frame = this.#pending[0];
    }
    if (this.#endAfterPending) this.end();
    else this.listener.drained();
  }

  #queue(type: number, flags: number, chunk: Uint8Array): boolean {
    if (this.#localEnded) return true;
    let rest: Buffer | undefined = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    if (this.#pending.length === 0) rest = this.#send(type, flags, rest);
    if (rest !== undefined) this.#keep(type, flags, rest);
    return this.#pending.length === 0;
  }

  #keep(type: number, flags: number, rest: Buffer): void {
    const spare = this.#spare;
    this.#spare = undefined;
    const fits = spare !== undefined && spare.length >= rest.length;
    const memory = fits ? spare : Buffer.allocUnsafe(rest.length);
    rest.copy(memory);
    this.#pending.push({ type, flags, bytes: memory.subarray(0, rest.length), memory });
  }

  /** Sends what the credit allows; returns the rest, or undefined when all went out. */
  #send(type: number, flags: number, bytes: Buffer): Buffer | undefined {
    let at = 0;
    do {
      if (this.#sendCredit <= 0) return at === 0 ? bytes : bytes.subarray(at);
      const size = Math.min(bytes.length - at, dataPayloadBytesMax, this.#sendCredit);
      const part = size === bytes.length ? bytes : bytes.subarray(at, at + size);
      at += size;
      const more = type === frameType.message && at < bytes.length ? frameFlag.more : 0;
      this.#writer.frame(type, flags | more, this.id, part);
      this.#sendCredit -= type === frameType.message ? Math.max(1, size) : size;
    } while (at < bytes.length);
    return undefined;
  }

  #endLocal(): void {
    this.#localEnded = true;
    if (this.#remoteEnded) this.#forget(this.id);
  }
}
