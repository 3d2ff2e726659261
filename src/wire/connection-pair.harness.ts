import type { ConnectionListener } from "./connection.ts";
import { WireConnection } from "./connection.ts";
import type { StreamListener, WireStream } from "./stream.ts";
import type { WireError } from "./wire-error.ts";

/** What a stream heard, in order, with its bytes. */
export class StreamRecord implements StreamListener {
  readonly events: string[] = [];
  readonly chunks: Buffer[] = [];
  readonly messages: { text: boolean; bytes: Buffer }[] = [];
  bytes = 0;
  heads = "";
  error: WireError | undefined;
  stream: WireStream | undefined;
  #message: Buffer[] = [];
  readonly #consume: boolean;

  constructor(options: { consume: boolean }) {
    this.#consume = options.consume;
  }

  head(head: string, body: Buffer, type: number): void {
    this.heads += head;
    this.events.push(`head ${type}`);
    if (body.length > 0) this.data(body);
  }

  data(chunk: Buffer): void {
    this.bytes += chunk.length;
    this.chunks.push(Buffer.from(chunk));
    if (this.events.at(-1) !== "data") this.events.push("data");
    if (this.#consume) this.stream?.consumed(chunk.length);
  }

  end(): void {
    this.events.push("end");
  }

  cancelled(reason: string): void {
    this.events.push(`cancelled ${reason}`);
  }

  answer(type: number, json: string): void {
    this.events.push(`answer ${type} ${json}`);
  }

  message(bytes: Buffer, text: boolean, last: boolean): void {
    this.bytes += bytes.length;
    this.#message.push(Buffer.from(bytes));
    if (this.#consume) this.stream?.consumed(Math.max(1, bytes.length));
    if (!last) return;
    this.messages.push({ text, bytes: Buffer.concat(this.#message) });
    this.#message = [];
  }

  log(payload: Buffer): void {
    this.events.push(`log ${payload.toString()}`);
  }

  drained(): void {
    this.events.push("drained");
  }

  closed(error: WireError): void {
    this.error = error;
    this.events.push(`closed ${error.code}`);
  }

  body(): Buffer {
    return Buffer.concat(this.chunks);
  }
}

/** One side of a pair: its connection and what it heard. */
export class Side {
  readonly connection: WireConnection;
  /** Streams that the peer opened, with the payload that opened them. */
  readonly opened: { record: StreamRecord; type: number; payload: Buffer }[] = [];
  readonly frames: { type: number; payload: Buffer }[] = [];
  closedBy: WireError[] = [];
  readonly #consume: boolean;

  constructor(options: {
    role: "host" | "guest";
    consume: boolean;
    write: (bytes: Buffer) => void;
    endOfTurn: (flush: () => void) => void;
    payloadBytesMax?: number;
    peerStreamsMax?: number;
  }) {
    this.#consume = options.consume;
    const listener: ConnectionListener = {
      frame: (type, payload) => void this.frames.push({ type, payload: Buffer.from(payload) }),
      opened: (stream, type, payload) => this.#opened(stream, type, payload),
      closed: (error) => void this.closedBy.push(error),
    };
    this.connection = new WireConnection({
      role: options.role,
      sink: {
        write(bytes) {
          options.write(bytes);
          return false;
        },
      },
      listener,
      payloadBytesMax: options.payloadBytesMax ?? 2 ** 20,
      peerStreamsMax: options.peerStreamsMax ?? 1000,
      endOfTurn: options.endOfTurn,
    });
  }

  /** Opens a stream whose listener writes down what it hears. */
  open(consume = this.#consume): StreamRecord & { stream: WireStream } {
    const record = new StreamRecord({ consume });
    return Object.assign(record, { stream: this.connection.open(record) });
  }

  #opened(stream: WireStream, type: number, payload: Buffer): StreamListener {
    const record = new StreamRecord({ consume: this.#consume });
    record.stream = stream;
    this.opened.push({ record, type, payload: Buffer.from(payload) });
    return record;
  }
}

/** Two connected sides whose bytes move only when the test says so, cut as it says. */
export class Pair {
  readonly host: Side;
  readonly guest: Side;
  /** The most bytes a transport held at once. */
  transitBytesMax = 0;
  readonly #flushes: (() => void)[] = [];
  readonly #toGuest: Buffer[] = [];
  readonly #toHost: Buffer[] = [];

  constructor(options: { consume?: boolean; guestStreamsMax?: number } = {}) {
    const consume = options.consume ?? true;
    const endOfTurn = (flush: () => void): void => void this.#flushes.push(flush);
    this.host = new Side({
      role: "host",
      consume,
      endOfTurn,
      write: (bytes) => void this.#toGuest.push(bytes),
      ...(options.guestStreamsMax !== undefined && { peerStreamsMax: options.guestStreamsMax }),
    });
    this.guest = new Side({
      role: "guest",
      consume,
      endOfTurn,
      write: (bytes) => void this.#toHost.push(bytes),
    });
  }

  /** Moves bytes both ways until nothing is left to move. `size` gives the length of the next chunk. */
  run(size: () => number = () => 65_536): void {
    for (;;) {
      for (const flush of this.#flushes.splice(0)) flush();
      const toGuest = Buffer.concat(this.#toGuest.splice(0));
      const toHost = Buffer.concat(this.#toHost.splice(0));
      if (toGuest.length + toHost.length === 0) return;
      this.transitBytesMax = Math.max(this.transitBytesMax, toGuest.length, toHost.length);
      feed(toGuest, this.guest.connection, size);
      feed(toHost, this.host.connection, size);
    }
  }
}

function feed(bytes: Buffer, to: WireConnection, size: () => number): void {
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + Math.max(1, size()));
    to.receive(Buffer.from(bytes.subarray(at, end)));
    at = end;
  }
}
