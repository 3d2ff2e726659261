import type { InstanceExit } from "../../domain/instance.ts";
import { frameType } from "../../wire/frames.ts";
import { decodeResponseHead } from "../../wire/heads.ts";
import type { StreamListener, WireStream } from "../../wire/stream.ts";
import { WireError } from "../../wire/wire-error.ts";
import type { InvocationFailure, InvocationSink, InvocationStream } from "../driver.ts";
import type { LogOwner } from "./instance-log.ts";
import { type ParsedFailure, parseFailure } from "./parse-frame.ts";

/** What an invocation needs of its instance. */
export interface InvocationHost {
  /** Forgets a finished invocation. */
  finished(invocation: ProcessInvocation): void;
  /** The exit that a connection's end stands for. */
  exitFor(error: WireError): InstanceExit;
  log(payload: Buffer, owner: LogOwner): void;
  /** The text without the function's secrets. */
  masked(text: string): string;
}

/**
 * One running invocation, as the guest's frames tell it to the sink.
 *
 *   waiting --head--> responding --end--> done
 *   waiting | responding --failure, exit--> done
 */
export class ProcessInvocation implements StreamListener, LogOwner {
  readonly invocationId: string;
  readonly requestId: string;
  /** Neighbours in the instance's list of running invocations. */
  previous: ProcessInvocation | undefined;
  next: ProcessInvocation | undefined;
  /** Set right after construction: the stream needs its listener first. */
  stream: WireStream | undefined;
  /** The guest wants no more of the request body. */
  bodyRefused = false;
  /** The host asked the guest to stop. */
  cancelAsked = false;
  readonly #host: InvocationHost;
  readonly #sink: InvocationSink;
  #state: "waiting" | "responding" | "done" = "waiting";

  constructor(host: InvocationHost, owner: LogOwner, sink: InvocationSink) {
    this.#host = host;
    this.#sink = sink;
    this.invocationId = owner.invocationId;
    this.requestId = owner.requestId;
  }

  get done(): boolean {
    return this.#state === "done";
  }

  head(text: string, body: Buffer, type: number): void {
    if (this.#state === "done") return;
    if (this.#state === "responding") throw new WireError("bad_frame", "A second response head");
    if (type === frameType.upgrade) {
      const message = "The function answered with an upgrade, which this server does not relay";
      this.stream?.reset(message);
      this.#fail({ kind: "threw", message, stack: undefined });
      return;
    }
    const { status, headers } = decodeResponseHead(text);
    this.#state = "responding";
    if (this.cancelAsked) {
      this.stream?.consumed(body.length);
      return;
    }
    this.#sink.head(status, headers);
    if (body.length > 0) this.#sink.data(body);
  }

  data(chunk: Buffer): void {
    if (this.#state === "waiting") throw new WireError("bad_frame", "Body before its head");
    if (this.#state === "done" || this.cancelAsked) this.stream?.consumed(chunk.length);
    else this.#sink.data(chunk);
  }

  end(): void {
    if (this.#state === "done") return;
    if (this.#state === "waiting") throw new WireError("bad_frame", "An end before the head");
    // After a cancel bytes were dropped, so a clean end would be a lie.
    if (this.cancelAsked) {
      this.#fail({ kind: "cancelled" });
      return;
    }
    this.#finish();
    this.#sink.end();
  }

  /** The guest wants no more of the request body; what is still written is dropped. */
  cancelled(): void {
    this.bodyRefused = true;
    this.#sink.drained();
  }

  answer(type: number, json: string): void {
    if (type !== frameType.failure) {
      throw new WireError("bad_frame", `Frame type ${type} does not answer a request`);
    }
    const failure = this.#parsed(json);
    if (this.#state === "done") return;
    if (this.cancelAsked) this.#fail({ kind: "cancelled" });
    else if (this.#state === "responding") {
      this.#fail({ kind: "body_failed", message: failure.message });
    } else this.#fail({ kind: "threw", message: failure.message, stack: failure.stack });
  }

  /** The connection has forgotten the stream already, so a breach must be reported from here. */
  #parsed(json: string): ParsedFailure {
    try {
      return parseFailure(json, this.#host);
    } catch (error) {
      if (error instanceof WireError) this.closed(error);
      throw error;
    }
  }

  log(payload: Buffer): void {
    this.#host.log(payload, this);
  }

  drained(): void {
    if (!this.done) this.#sink.drained();
  }

  closed(error: WireError): void {
    if (!this.done) this.#fail({ kind: "exited", exit: this.#host.exitFor(error) });
  }

  #fail(failure: InvocationFailure): void {
    this.#finish();
    this.#sink.failed(failure);
  }

  #finish(): void {
    this.#state = "done";
    // An answered request whose body is not all sent: nobody will read the rest.
    const stream = this.stream;
    if (stream !== undefined && !stream.localEnded) stream.reset("the response is complete");
    this.#host.finished(this);
  }
}

/** The request's side of a running invocation. */
export class RequestSide implements InvocationStream {
  readonly #invocation: ProcessInvocation;
  readonly #stream: WireStream;

  constructor(invocation: ProcessInvocation, stream: WireStream) {
    this.#invocation = invocation;
    this.#stream = stream;
  }

  write(chunk: Uint8Array): boolean {
    if (this.#deaf) return true;
    return this.#stream.write(chunk);
  }

  end(): void {
    if (!this.#deaf) this.#stream.end();
  }

  cancel(reason: string): void {
    const invocation = this.#invocation;
    if (invocation.done || invocation.cancelAsked) return;
    invocation.cancelAsked = true;
    this.#stream.cancel(reason);
  }

  consumed(bytes: number): void {
    this.#stream.consumed(bytes);
  }

  /** Nobody reads the request body any more. */
  get #deaf(): boolean {
    return this.#invocation.bodyRefused || this.#invocation.cancelAsked || this.#invocation.done;
  }
}
/** The request's side of an invocation that failed at once. */
export const inertStream: InvocationStream = {
  write: () => true,
  end() {},
  cancel() {},
  consumed() {},
};
