import { FrameDecoder } from "./frame-decoder.ts";
import { type ByteSink, FrameWriter } from "./frame-writer.ts";
import { frameFlag, frameType } from "./frames.ts";
import { headPayloadBodyBytes, splitHeadPayload } from "./heads.ts";
import { type StreamListener, WireStream } from "./stream.ts";
import { StreamTable } from "./stream-table.ts";
import { isUsedStreamId, nextStreamId } from "./stream-ids.ts";
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
  readonly #streams = new StreamTable();
  readonly #forget = (id: number): void => {
    if (this.#streams.remove(id) && id % 2 !== this.#ownParity) this.#peerStreams -= 1;
  };
  readonly #ownParity: number;
  #lastOwnId: number;
  #lastPeerId = 0;
  #peerStreams = 0;
  #closed: WireError | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#ownParity = options.role === "host" ? 1 : 0;
    // One step before the first id of each side.
    this.#lastOwnId = options.role === "host" ? 2 ** 32 - 1 : 2 ** 32 - 2;
    const { sink, endOfTurn } = options;
    // A host has many instances and long uploads: its memory must not hang on the collector.
    this.writer = new FrameWriter({ sink, endOfTurn, copiesAll: options.role === "host" });
    this.#decoder = new FrameDecoder({
      payloadBytesMax: options.payloadBytesMax,
      onFrame: (type, flags, stream, payload) => this.#onFrame(type, flags, stream, payload),
    });
  }

  /** Streams open now, of both sides. */
  get streamCount(): number {
    return this.#streams.size;
  }

  /** Why the connection ended; undefined while it is open. */
  get closedBy(): WireError | undefined {
    return this.#closed;
  }

  /** Opens a stream; the caller sends its first frame. Throws `connection_closed` after the end. */
  open(listener: StreamListener): WireStream {
    if (this.#closed !== undefined) {
      throw new WireError(
        "connection_closed",
        `Cannot open a stream: the connection ended (${this.#closed.message})`,
      );
    }
    let id = nextStreamId(this.#lastOwnId);
    while (this.#streams.get(id) !== undefined) id = nextStreamId(id);
    this.#lastOwnId = id;
    const stream = new WireStream({ id, writer: this.writer, listener, forget: this.#forget });
    this.#streams.add(stream);
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
    for (const stream of this.#streams.takeAll()) stream.listener.closed(error);
    this.#options.listener.closed(error);
  }

  #onFrame(type: number, flags: number, id: number, payload: Buffer): void {
    if (this.#closed !== undefined) return;
    if (id === 0) {
      this.#options.listener.frame(type, payload);
      return;
    }
    const stream = this.#streams.get(id);
    if (stream !== undefined) this.#deliver(stream, type, flags, payload);
    else if (!this.#isUsed(id)) this.#accept(type, flags, id, payload);
    // Frames may arrive for a stream that this side has closed already; those are dropped.
  }

  #deliver(stream: WireStream, type: number, flags: number, payload: Buffer): void {
    try {
      this.#dispatch(stream, type, flags, payload);
    } catch (error) {
      // A stream that ended with the very frame that breaks the protocol is in the table no more, so
      // the end of the connection would not reach it.
      if (error instanceof WireError && this.#streams.get(stream.id) === undefined) {
        stream.listener.closed(error);
      }
      throw error;
    }
  }

  #isUsed(id: number): boolean {
    return isUsedStreamId(id, id % 2 === this.#ownParity ? this.#lastOwnId : this.#lastPeerId);
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
    this.#streams.add(stream);
    if (type === frameType.request) stream.received(headPayloadBodyBytes(payload), flags);
    stream.listener = this.#options.listener.opened(stream, type, payload);
  }

  #dispatch(stream: WireStream, type: number, flags: number, payload: Buffer): void {
    switch (type) {
      case frameType.data:
      case frameType.message:
        this.#content(stream, type, flags, payload);
        return;
      case frameType.response:
      case frameType.upgrade:
        this.#head(stream, type, flags, payload);
        return;
      case frameType.credit:
        if (payload.length !== 4) break;
        stream.granted(payload.readUInt32LE(0));
        return;
      case frameType.cancel:
        stream.listener.cancelled(payload.toString("utf8"));
        return;
      case frameType.failure:
      case frameType.reply:
      case frameType.opened:
        this.#answer(stream, type, payload);
        return;
      case frameType.log:
        if (stream.listener.log === undefined) break;
        stream.listener.log(payload);
        return;
    }
    throw unexpected(type, stream);
  }

  #isOwn(stream: WireStream): boolean {
    return stream.id % 2 === this.#ownParity;
  }

  #content(stream: WireStream, type: number, flags: number, payload: Buffer): void {
    // A guest may send nothing before the head of its response.
    if (this.#options.role === "host" && this.#isOwn(stream) && !stream.headReceived) {
      throw unexpected(type, stream);
    }
    const listener = stream.listener;
    if (type === frameType.message) {
      if (listener.message === undefined) throw unexpected(type, stream);
      stream.received(Math.max(1, payload.length), flags);
      const last = (flags & frameFlag.more) === 0;
      listener.message(payload, (flags & frameFlag.text) !== 0, last);
    } else {
      stream.received(payload.length, flags);
      if (payload.length > 0) listener.data(payload);
    }
    if ((flags & frameFlag.end) !== 0) listener.end();
  }

  #head(stream: WireStream, type: number, flags: number, payload: Buffer): void {
    const listener = stream.listener;
    if (!this.#isOwn(stream) || listener.head === undefined || stream.headReceived) {
      throw unexpected(type, stream);
    }
    const { head, body } = splitHeadPayload(payload);
    stream.headReceived = true;
    stream.received(body.length, flags);
    listener.head(head, body, type);
    if ((flags & frameFlag.end) !== 0) listener.end();
  }

  #answer(stream: WireStream, type: number, payload: Buffer): void {
    const listener = stream.listener;
    const fromGuest = type === frameType.failure;
    if (
      listener.answer === undefined ||
      !this.#isOwn(stream) ||
      fromGuest !== (this.#options.role === "host")
    ) {
      throw unexpected(type, stream);
    }
    // A failure that crosses the end of the same response has nothing left to say.
    const ended = stream.remoteEnded;
    if (type !== frameType.opened) stream.close();
    if (!ended) listener.answer(type, payload.toString("utf8"));
  }
}

function unexpected(type: number, stream: WireStream): WireError {
  return new WireError("bad_frame", `Frame type ${type} is not expected on stream ${stream.id}`);
}

const unopened: StreamListener = {
  data() {},
  end() {},
  cancelled() {},
  drained() {},
  closed() {},
};
