import { dataPayloadBytesMax, frameType } from "../../wire/frames.ts";
import type { StreamListener, WireStream } from "../../wire/stream.ts";
import type { CallMessage, ReplyMessage } from "./messages.ts";

/** Whose call it is, for the function's log and for transactions. */
export interface CallOwner {
  readonly invocationId: string;
  readonly requestId: string;
}

/** Asks the platform; rejects with an error that has the platform's `code`. */
export type CallPlatform = (method: string, params: unknown, owner: CallOwner) => Promise<unknown>;

/** What is thrown for a failure that the platform answers. */
class PlatformCallError extends Error {}

/** Calls on streams of the guest's connection, one each. */
export function createCallPlatform(
  openStream: (listener: StreamListener) => WireStream,
): CallPlatform {
  return (method, params, owner) => {
    const head = { method, invocation: owner.invocationId, request: owner.requestId };
    const text = Buffer.from(JSON.stringify(params, withoutBigints));
    const call = new PlatformCall();
    const stream = openStream(call);
    call.stream = stream;
    if (text.length <= dataPayloadBytesMax) {
      const message: CallMessage = { ...head, params: JSON.parse(text.toString()) };
      stream.json(frameType.call, message);
      return call.result;
    }
    stream.json(frameType.call, head satisfies CallMessage);
    stream.write(text);
    stream.end();
    return call.result;
  };
}

/** JSON has no bigint; PostgreSQL reads one from text. */
function withoutBigints(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}

/** One call: what it is answered, at once or in pieces. */
class PlatformCall implements StreamListener {
  stream: WireStream | undefined;
  /** Made the old way: Node 20 has no `Promise.withResolvers`. */
  readonly result: Promise<unknown>;
  readonly #parts: Buffer[] = [];
  /** Made here, where its stack still has the function's line; it is thrown when the answer is a failure. */
  readonly #failure = new PlatformCallError();
  #resolve: (value: unknown) => void = () => {};
  #reject: (error: Error) => void = () => {};

  constructor() {
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  data(chunk: Buffer): void {
    this.#parts.push(Buffer.from(chunk));
    this.stream?.consumed(chunk.length);
  }

  answer(_type: number, json: string): void {
    const reply: ReplyMessage = JSON.parse(json);
    if (reply.error !== undefined) this.#reject(tell(this.#failure, reply.error));
    else if (reply.streamed !== true) this.#resolve(reply.result);
    else this.#resolve(JSON.parse(Buffer.concat(this.#parts).toString("utf8")));
  }

  closed(error: Error): void {
    this.#reject(error);
  }

  end(): void {}
  cancelled(): void {}
  drained(): void {}
}

/** The error with what the platform answered. */
function tell(error: Error, facts: NonNullable<ReplyMessage["error"]>): Error {
  error.name = "DatabaseError";
  Object.defineProperty(error, "message", {
    value: facts.message,
    writable: true,
    configurable: true,
  });
  const frames = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  error.stack = [`${error.name}: ${facts.message}`, ...frames].join("\n");
  for (const [name, value] of Object.entries(facts)) {
    if (name === "message" || value === undefined) continue;
    Object.defineProperty(error, name, { value, enumerable: true });
  }
  return error;
}
