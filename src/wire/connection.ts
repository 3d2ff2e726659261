import { FrameDecoder } from "./frame-decoder.ts";
import { type ByteSink, FrameWriter } from "./frame-writer.ts";
import { frameFlag, frameType } from "./frames.ts";
import { splitHeadPayload } from "./heads.ts";
import { type StreamListener, WireStream } from "./stream.ts";
import { WireError } from "./wire-error.ts";

/** What the owner of a connection hears. */
export interface ConnectionListener {
  /** A frame of the connection itself (stream 0). `payload` is only valid during the call. */
  frame(type: number, payload: Buffer): void;
  /** The peer opened a stream with `request`, `call` or `open`; returns who listens to it. */
  opened(stream: WireStream, type: number, payload: Buffer): StreamListener;
  /** The peer broke the protocol or the transport ended; called once, after every stream's `closed`. */
  closed(error: WireError): void;
}

export interface ConnectionOptions {
  /** Host streams are odd, guest streams even. */
  readonly role: "host" | "guest";
  readonly sink: ByteSink;
  readonly listener: ConnectionListener;
  /** The largest payload accepted from the peer. */
  readonly payloadBytesMax: number;
  /** Streams the peer may have open at once. */
  readonly peerStreamsMax: number;
  /** Runs the callback at the end of the current turn of the event loop. */
  readonly endOfTurn: (flush: () => void) => void;
}

/**
 * One protocol connection over any byte stream. The owner feeds `receive` and passes the transport's
 * end to `close`; what the peer sends is parsed, never trusted: any breach closes the connection
 * with a typed error.
 */
export class WireConnection {
  readonly writer: FrameWriter;
  readonly #options: ConnectionOptions;
  readonly #decoder: FrameDecoder;
  readonly #streams = new Map<number, WireStream>();
  readonly #forget = (id: number): void => {
    if (this.#streams.delete(id) && id % 2 !== this.#ownParity) this.#peerStreams -= 1;
  };
  readonly #ownParity: number;
  #nextId: number;
  #lastPeerId = 0;
  #peerStreams = 0;
  #closed: WireError | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#ownParity = options.role === "host" ? 1 : 0;
    this.#nextId = options.role === "host" ? 1 : 2;
    this.writer = new FrameWriter({ sink: options.sink, endOfTurn: options.endOfTurn });
    this.#decoder = new FrameDecoder({
      payloadBytesMax: options.payloadBytesMax,
      onFrame: (type, flags, stream, payload) => this.#onFrame(type, flags, stream, payload),
    });
  }

  /** Streams open now, of both sides. */
  get streamCount(): number {
    return this.#streams.size;
  }

  /** Opens a stream; the caller sends its first frame. */
  open(listener: StreamListener): WireStream {
    const stream = new WireStream({
      id: this.#nextId,
      writer: this.writer,
      listener,
      forget: this.#forget,
    });
    this.#nextId = this.#nextId + 2 > 0xffffffff ? this.#ownParity + 2 : this.#nextId + 2;
    this.#streams.set(stream.id, stream);
    return stream;
  }

  /** Sends a frame of the connection itself. */
  send(type: number, payload?: Uint8Array): void {
    this.writer.frame(type, 0, 0, payload);
  }

  /** Takes the next bytes from the transport. Never throws: a breach of the protocol closes. */
  receive(chunk: Buffer): void {
    if (this.#closed !== undefined) return;
    try {
      this.#decoder.push(chunk);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.close(error);
    }
  }

  /** Ends the connection: every stream and then the listener hear `closed`, once. */
  close(error: WireError): void {
    if (this.#closed !== undefined) return;
    this.#closed = error;
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const stream of streams) stream.listener.closed(error);
    this.#options.listener.closed(error);
  }

  #onFrame(type: number, flags: number, id: number, payload: Buffer): void {
    if (this.#closed !== undefined) return;
    if (id === 0) {
      this.#options.listener.frame(type, payload);
      return;
    }
    const stream = this.#streams.get(id);
    if (stream !== undefined) this.#dispatch(stream, type, flags, payload);
    else if (!this.#isStale(id)) this.#accept(type, flags, id, payload);
  }

  /** Frames may arrive for a stream that this side has closed already; those are dropped. */
  #isStale(id: number): boolean {
    return id % 2 === this.#ownParity ? id < this.#nextId : id <= this.#lastPeerId;
  }

  #accept(type: number, flags: number, id: number, payload: Buffer): void {
    const opens =
      this.#options.role === "host"
        ? type === frameType.call || type === frameType.open
        : type === frameType.request;
    if (id % 2 === this.#ownParity || !opens) {
      throw new WireError("bad_stream", `Frame type ${type} on unknown stream ${id}`);
    }
    if (this.#peerStreams >= this.#options.peerStreamsMax) {
      throw new WireError(
        "too_many_streams",
        `More than ${this.#options.peerStreamsMax} streams open`,
      );
    }
    this.#lastPeerId = id;
    this.#peerStreams += 1;
    const stream = new WireStream({
      id,
      writer: this.writer,
      listener: unopened,
      forget: this.#forget,
    });
    this.#streams.set(id, stream);
    if (type === frameType.request) stream.received(splitHeadPayload(payload).body.length, flags);
    stream.listener = this.#options.listener.opened(stream, type, payload);
  }

  #dispatch(stream: WireStream, type: number, flags: number, payload: Buffer): void {
    const listener = stream.listener;
    switch (type) {
      case frameType.data:
        stream.received(payload.length, flags);
        if (payload.length > 0) listener.data(payload);
        if ((flags & frameFlag.end) !== 0) listener.end();
        return;
      case frameType.response:
      case frameType.upgrade: {
        const { head, body } = splitHeadPayload(payload);
        stream.received(body.length, flags);
        if (listener.head === undefined) break;
        listener.head(head, body, type);
        if ((flags & frameFlag.end) !== 0) listener.end();
        return;
      }
      case frameType.credit:
        if (payload.length !== 4) break;
        stream.granted(payload.readUInt32LE(0));
        return;
      case frameType.cancel:
        stream.listener.cancelled(payload.toString("utf8"));
        return;
      case frameType.failure:
        stream.close();
        if (listener.answer === undefined) break;
        listener.answer(type, payload.toString("utf8"));
        return;
      case frameType.reply:
      case frameType.opened:
        if (listener.answer === undefined) break;
        listener.answer(type, payload.toString("utf8"));
        return;
      case frameType.log:
        if (listener.log === undefined) break;
        listener.log(payload);
        return;
      case frameType.message:
        if (listener.message === undefined) break;
        listener.message(payload, (flags & frameFlag.text) !== 0);
        return;
    }
    throw new WireError("bad_frame", `Frame type ${type} is not expected on stream ${stream.id}`);
  }
}

const unopened: StreamListener = {
  data() {},
  end() {},
  cancelled() {},
  drained() {},
  closed() {},
};
