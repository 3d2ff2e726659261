import { frameType } from "../../wire/frames.ts";
import type { StreamListener, WireStream } from "../../wire/stream.ts";
import { ClosingAnswer } from "./closing-answer.ts";
import type { OpenedMessage } from "./messages.ts";
import { type EgressRefusals, refusalHeader } from "./egress-refusals.ts";
import { headBytesMax, type ProxyHead, parseProxyHead } from "./proxy-head.ts";

/** Connections carried to the outside at once; further ones get 503. Below the 256 that the host bears. */
const egressConnectionsMax = 240;

/** The accepted local connection that asks to be carried. */
export interface EgressClient {
  /** Writes in order; false means `drained` will follow. */
  write(bytes: Uint8Array): boolean;
  /** Ends the writing direction once everything has left. */
  end(): void;
  /** Stops and resumes reading. */
  pause(): void;
  resume(): void;
  /** Closes both directions at once. */
  destroy(): void;
}

/** A destination that is fixed beforehand, for connections that do not speak the proxy protocol. */
export interface EgressDestination {
  readonly host: string;
  readonly port: number;
  /** Hears that the connection stands. */
  opened?(): void;
  /**
   * Hears why the connection was refused, before it is closed, and what the client has said so far.
   * What it returns is said to the client first, for protocols that have words for it.
   */
  refused(code: string, message: string, received: Buffer): Uint8Array | undefined;
}

export interface EgressProxyOptions {
  /** Opens a stream to the host; the proxy sends `open` on it. */
  readonly openStream: (listener: StreamListener) => WireStream;
  /** What a client must send as `Proxy-Authorization`, where others can reach the port. */
  readonly authorization?: string | undefined;
  /** Where refusals are remembered for clients that hear no more than a status. */
  readonly refusals: EgressRefusals;
}

/** Carries local connections to the outside as streams, for the host to allow or refuse. */
export class EgressProxy {
  readonly #options: EgressProxyOptions;
  #connections = 0;

  constructor(options: EgressProxyOptions) {
    this.#options = options;
  }

  /** Takes a connection that speaks HTTP proxy, or one to a destination that is known already. */
  accept(client: EgressClient, destination?: EgressDestination): EgressConnection {
    const isFull = this.#connections >= egressConnectionsMax;
    if (!isFull) this.#connections += 1;
    const connection = new EgressConnection({
      client,
      destination,
      proxy: this.#options,
      released: () => {
        if (!isFull) this.#connections -= 1;
      },
    });
    if (isFull) {
      const message = `Cannot connect: ${egressConnectionsMax} connections are open, which is the limit of an instance`;
      connection.refuse(503, "egress_limit", message);
    } else if (destination !== undefined) {
      connection.open(destination, undefined);
    }
    return connection;
  }
}

/**
 * One carried connection.
 *
 *   reading head --parsed--> opening --opened--> carrying --both ends, error--> closed
 *   reading head | opening --refused--> closed
 */
export class EgressConnection implements StreamListener {
  readonly #client: EgressClient;
  readonly #destination: EgressDestination | undefined;
  readonly #proxy: EgressProxyOptions;
  readonly #released: () => void;
  #state: "head" | "opening" | "carrying" | "closed" = "head";
  #received = Buffer.alloc(0);
  #head: ProxyHead | undefined;
  /** What comes back is an answer to a request that was forwarded; undefined for a tunnel. */
  #answer: ClosingAnswer | undefined;
  #stream: WireStream | undefined;
  #clientEnded = false;
  #owedBytes = 0;

  constructor(options: {
    client: EgressClient;
    destination: EgressDestination | undefined;
    proxy: EgressProxyOptions;
    released: () => void;
  }) {
    this.#client = options.client;
    this.#destination = options.destination;
    this.#proxy = options.proxy;
    this.#released = options.released;
  }

  /** Bytes from the local client. */
  clientData(chunk: Buffer): void {
    if (this.#state === "closed") return;
    if (this.#state === "carrying") {
      if (this.#stream?.write(chunk) === false) this.#client.pause();
      return;
    }
    this.#received = Buffer.concat([this.#received, chunk]);
    if (this.#state === "head") this.#readHead();
    else this.#client.pause();
  }

  /** The local client will send nothing more. */
  clientEnded(): void {
    this.#clientEnded = true;
    if (this.#state === "carrying") this.#stream?.end();
    else if (this.#state === "head") this.#close();
  }

  /** The local client took everything written to it. */
  clientDrained(): void {
    const bytes = this.#owedBytes;
    this.#owedBytes = 0;
    if (bytes > 0) this.#stream?.consumed(bytes);
  }

  /** The local client is gone. */
  clientClosed(): void {
    if (this.#state === "closed") return;
    this.#stream?.reset("The function closed the connection");
    this.#close();
  }

  /** Asks the host to connect; `head` is absent when the client does not speak HTTP proxy. */
  open(destination: { host: string; port: number }, head: ProxyHead | undefined): void {
    this.#state = "opening";
    this.#head = head;
    this.#stream = this.#proxy.openStream(this);
    this.#stream.json(frameType.open, { host: destination.host, port: destination.port });
  }

  /** Answers the client with an error and closes. */
  refuse(status: number, code: string, message: string): void {
    if (this.#destination !== undefined) {
      const said = this.#destination.refused(code, message, this.#received);
      if (said !== undefined) this.#client.write(said);
      if (said === undefined) this.#client.destroy();
      else this.#client.end();
      this.#close();
      return;
    }
    const id = this.#proxy.refusals.add({ code, message }, this.#head);
    const body = JSON.stringify({ error: { code, message, status } });
    const head = [
      // Most clients show the phrase and nothing else of the answer.
      `HTTP/1.1 ${status} ${message.replace(/[^ -~]/g, "?")}`,
      "content-type: application/json",
      `content-length: ${Buffer.byteLength(body)}`,
      `${refusalHeader}: ${id}`,
      "connection: close",
    ].join("\r\n");
    this.#client.write(Buffer.from(`${head}\r\n\r\n${body}`));
    this.#client.end();
    this.#close();
  }

  answer(type: number, json: string): void {
    if (this.#state !== "opening") return;
    const { error }: OpenedMessage = JSON.parse(json);
    if (error === undefined && type === frameType.opened) {
      this.#carry();
      return;
    }
    this.#stream?.close();
    const code = error?.code ?? "runtime_error";
    this.refuse(code === "egress_denied" ? 403 : 502, code, error?.message ?? "Cannot connect");
  }

  data(chunk: Buffer): void {
    if (this.#state !== "carrying") return;
    const bytes = this.#answer?.take(chunk) ?? chunk;
    if (bytes.length === 0 || this.#client.write(bytes)) this.#stream?.consumed(chunk.length);
    else this.#owedBytes += chunk.length;
  }

  end(): void {
    if (this.#state !== "carrying") return;
    const rest = this.#answer?.rest();
    if (rest !== undefined && rest.length > 0) this.#client.write(rest);
    this.#client.end();
  }

  cancelled(): void {
    this.#stream?.close();
    this.#client.destroy();
    this.#close();
  }

  drained(): void {
    this.#client.resume();
  }

  closed(): void {
    this.#client.destroy();
    this.#close();
  }

  #readHead(): void {
    const parsed = parseProxyHead(this.#received);
    if (parsed === "incomplete") {
      if (this.#received.length > headBytesMax) {
        const message = `The proxy request's head is over ${headBytesMax} bytes`;
        this.refuse(431, "headers_too_large", message);
      }
      return;
    }
    if (parsed === "malformed") {
      this.refuse(
        400,
        "invalid_request",
        "The proxy request is malformed: use CONNECT host:port or an absolute http:// URL",
      );
      return;
    }
    const { authorization } = this.#proxy;
    if (authorization !== undefined && parsed.authorization !== authorization) {
      this.refuse(407, "egress_denied", "This proxy belongs to another function");
      return;
    }
    this.#received = this.#received.subarray(parsed.headBytes);
    this.open(parsed, parsed);
  }

  #carry(): void {
    this.#state = "carrying";
    this.#destination?.opened?.();
    const head = this.#head;
    if (head?.forward === "") {
      this.#client.write(Buffer.from("HTTP/1.1 200 Connection established\r\n\r\n"));
    } else if (head !== undefined) {
      this.#answer = new ClosingAnswer();
      this.#stream?.write(Buffer.from(head.forward, "latin1"));
    }
    const rest = this.#received;
    this.#received = Buffer.alloc(0);
    const hasRoom = rest.length === 0 || this.#stream?.write(rest) !== false;
    if (this.#clientEnded) this.#stream?.end();
    if (hasRoom) this.#client.resume();
  }

  #close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#released();
  }
}
