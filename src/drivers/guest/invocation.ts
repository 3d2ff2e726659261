import { headTextCharsMax } from "../../wire/frame-writer.ts";
import { dataPayloadBytesMax, frameType } from "../../wire/frames.ts";
import type { RequestHead } from "../../wire/heads.ts";
import type { StreamListener, WireStream } from "../../wire/stream.ts";
import type { WireError } from "../../wire/wire-error.ts";
import type { FoundHandler } from "./handler-shapes.ts";
import { type ContextShared, InvocationContext } from "./invocation-context.ts";
import { type LogAddress, logLevelCode, type LogOutput } from "./log-output.ts";
import { type LogOwner, logOwners, LogScope } from "./log-scope.ts";
import type { RequestFailure } from "./messages.ts";
import { RequestBody } from "./request-body.ts";
import { ResponseBody } from "./response-body.ts";
import { isBodiless, responseHeadOf } from "./response-head.ts";
import { buffered, notedBody, PlatformResponse } from "./response-memo.ts";
import { describeThrown, type ModuleName } from "./thrown.ts";
import { createWebRequest, type SignalSource } from "./web-request.ts";

/** What all invocations of one instance share. */
export interface InvocationShared {
  readonly handler: FoundHandler;
  readonly module: ModuleName;
  readonly context: ContextShared;
  readonly output: LogOutput;
  /** Called once, when the invocation answered, failed or was cancelled. */
  finished(invocation: Invocation): void;
}

/**
 * One request on its stream.
 *
 *   running --head sent--> responding --body sent--> finished
 *   running | responding --threw, cancelled--> finished
 */
export class Invocation implements StreamListener, LogOwner, SignalSource {
  /** Place in the list of running invocations; only that list touches it. */
  runningIndex = -1;
  readonly #shared: InvocationShared;
  readonly #stream: WireStream;
  readonly #head: RequestHead;
  /** Made when the signal is first read, as most functions never do. */
  #abort: AbortController | undefined;
  /** Why it was stopped, once it was. */
  #stopped: { readonly reason: unknown } | undefined;
  #state: "running" | "responding" | "finished" = "running";
  #scope: LogScope | undefined;
  #requestBody: RequestBody | undefined;
  #responseBody: ResponseBody | undefined;

  constructor(shared: InvocationShared, stream: WireStream, head: RequestHead) {
    this.#shared = shared;
    this.#stream = stream;
    this.#head = head;
  }

  get logScope(): LogScope {
    this.#scope ??= new LogScope(this.#shared.output, this.#logAddress());
    return this.#scope;
  }

  /** Aborts when the request is cancelled or fails. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#stopped !== undefined) this.#abort.abort(this.#stopped.reason);
    }
    return this.#abort.signal;
  }

  /** Calls the handler. `body` holds the first bytes of the request body, valid during the call only. */
  run(body: Uint8Array<ArrayBuffer>): void {
    const { handler, context } = this.#shared;
    let result: unknown;
    try {
      const request = createWebRequest(this.#head, this.#bodyOf(body), this);
      const ctx = new InvocationContext(context, this.#head, this);
      result = handler.call.call(handler.target, request, ctx);
    } catch (error) {
      this.fail(error);
      return;
    }
    if (result instanceof PlatformResponse) this.#respond(result);
    else void this.#settle(result);
  }

  /** Fails the request with whatever was thrown; does nothing once it has finished. */
  fail(error: unknown): void {
    if (this.#state === "finished") return;
    const kind = this.#state === "running" ? "threw" : "body_failed";
    const { message, stack } = describeThrown(error, this.#shared.module);
    this.#endWith({ kind, message, stack }, error);
  }

  data(chunk: Buffer): void {
    this.#requestBody?.push(chunk);
  }

  end(): void {
    this.#requestBody?.end();
  }

  cancelled(reason: string): void {
    if (this.#state === "finished") {
      this.#stream.close();
      return;
    }
    this.#endWith({ kind: "cancelled", message: reason }, new DOMException(reason, "AbortError"));
  }

  drained(): void {
    this.#responseBody?.drained();
  }

  closed(error: WireError): void {
    if (this.#state === "finished") return;
    this.#stop(error);
  }

  /** Sends what the user wrote without a newline; for the end of the process. */
  flushLog(): void {
    this.#scope?.flush();
  }

  #logAddress(): LogAddress {
    if (this.#state !== "finished") return { streamId: this.#stream.id, owner: "" };
    return { streamId: 0, owner: `${this.#head.invocationId}\0${this.#head.requestId}\0` };
  }

  #bodyOf(
    first: Uint8Array<ArrayBuffer>,
  ): Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | undefined {
    if (this.#stream.remoteEnded) return first.length === 0 ? undefined : first;
    const body = new RequestBody(this.#stream);
    if (first.length > 0) body.push(first);
    this.#requestBody = body;
    return body.stream;
  }

  async #settle(result: unknown): Promise<void> {
    try {
      const response = await result;
      if (response instanceof PlatformResponse) this.#respond(response);
      else this.fail(new TypeError(notResponseMessage(response)));
    } catch (error) {
      this.fail(error);
    }
  }

  #respond(response: Response): void {
    if (this.#state !== "running") {
      response.body?.cancel().catch(this.#warn);
      return;
    }
    const refusal = unusable(response);
    if (refusal !== undefined) {
      this.fail(new TypeError(refusal));
      return;
    }
    this.#scope?.flush();
    this.#state = "responding";
    const body = notedBody(response);
    if (isBodiless(this.#head.method, response.status)) this.#respondHead(response, body);
    else if (typeof body === "string") {
      this.#respondText(responseHeadOf(response, undefined), body);
    } else void this.#respondLater(response, body === buffered);
  }

  #respondHead(response: Response, body: unknown): void {
    const known = this.#head.method === "HEAD" && typeof body === "string";
    const bodyBytes = known ? Buffer.byteLength(body) : undefined;
    this.#stream.head(frameType.response, responseHeadOf(response, bodyBytes), undefined, true);
    this.#finish();
    if (typeof body !== "string") response.body?.cancel().catch(this.#warn);
  }

  #respondText(head: string, text: string): void {
    if (text.length > headTextCharsMax) {
      this.#respondBytes(head, Buffer.from(text));
      return;
    }
    this.#stream.headText(frameType.response, head, text);
    this.#finish();
  }

  #respondBytes(head: string, bytes: Uint8Array): void {
    if (bytes.length > dataPayloadBytesMax) {
      this.#stream.head(frameType.response, head, undefined, false);
      void this.#send((body) => body.sendBytes(bytes));
      return;
    }
    this.#stream.head(frameType.response, head, bytes, true);
    this.#finish();
  }

  async #respondLater(response: Response, isBuffered: boolean): Promise<void> {
    try {
      // Bun forgets the type of a blob or form once the body is touched, so the head comes first.
      const head = responseHeadOf(response, undefined);
      if (isBuffered) {
        const bytes = new Uint8Array(await response.arrayBuffer());
        if (this.#state === "responding") this.#respondBytes(head, bytes);
        return;
      }
      const stream = response.body;
      this.#stream.head(frameType.response, head, undefined, stream === null);
      if (stream === null) this.#finish();
      else await this.#send((body) => body.sendStream(stream));
    } catch (error) {
      this.fail(error);
    }
  }

  async #send(source: (body: ResponseBody) => Promise<boolean>): Promise<void> {
    const body = new ResponseBody(this.#stream);
    this.#responseBody = body;
    try {
      const complete = await source(body);
      if (!complete || this.#state !== "responding") return;
    } catch (error) {
      this.fail(error);
      return;
    }
    this.#scope?.flush();
    this.#stream.end();
    this.#finish();
  }

  #endWith(failure: RequestFailure, reason: unknown): void {
    this.#scope?.flush();
    this.#stream.fail(failure);
    this.#stop(reason);
  }

  #stop(reason: unknown): void {
    this.#requestBody?.fail(reason);
    this.#finish();
    this.#responseBody?.stop(reason, this.#warn);
    this.#stopped = { reason };
    // Listeners of the signal log under this request, though the frame came outside of it.
    if (this.#abort !== undefined) logOwners.run(this, () => this.#abort?.abort(reason));
  }

  #finish(): void {
    this.#state = "finished";
    if (this.#scope !== undefined) this.#scope.address = this.#logAddress();
    const body = this.#requestBody;
    // A body that nobody reads must not make the sender wait for credit.
    if (body !== undefined && !body.stream.locked) body.refuse();
    this.#shared.finished(this);
  }

  readonly #warn = (error: unknown): void => {
    const { message } = describeThrown(error, this.#shared.module);
    this.logScope.log(logLevelCode.warn, `Cancelling the response's body failed: ${message}`);
  };
}

function unusable(response: Response): string | undefined {
  if (response.bodyUsed) {
    return "The handler returned a Response whose body was read already: return a clone() or a new one";
  }
  if (response.status >= 200 && response.status <= 999) return undefined;
  return `The handler returned a Response with status ${response.status}, which cannot be sent: use 200 to 599`;
}

function notResponseMessage(value: unknown): string {
  const got =
    value === undefined ? "nothing" : value === null ? "null" : `a value of type ${typeof value}`;
  return `The handler returned ${got}, must return a Response (or a promise of one)`;
}
