import type { IncomingMessage, ServerResponse } from "node:http";
import { ReactorError } from "../domain/errors.ts";
import { Invocation } from "../serving/invocation.ts";
import type { InvocationListener, InvocationRequest } from "../serving/invocation-contract.ts";
import type { Route } from "../serving/route-table.ts";
import type { Grant } from "./access.ts";
import { Download, type DownloadSource } from "./download.ts";
import { answerError } from "./error-answer.ts";
import type { GatewayContext } from "./gateway-context.ts";
import { appendPlatformHeaders } from "./platform-headers.ts";
import type { RequestHeaders } from "./request-headers.ts";
import { ResponseHeaders } from "./response-headers.ts";
import { gatheredBytesMax, Upload, type UploadTarget } from "./upload.ts";

export interface ExchangeOptions {
  readonly context: GatewayContext;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly headers: RequestHeaders;
  readonly route: Route;
  readonly grant: Grant;
  readonly invocationId: string;
  readonly requestId: string;
  readonly receivedAtMs: number;
  /** Absolute URL as the function sees it. */
  readonly url: string;
  readonly sharedHost: boolean;
  /** The client waits for `100 Continue` before it sends its body. */
  readonly expectsContinue: boolean;
}

/** Node hands listeners the emitter as `this`; the exchange travels on it, so no closure is made per request. */
interface ExchangeResponse extends ServerResponse {
  exchange?: Exchange;
}

//  asking --head--> held --end--> over
//  held --nothing more in this turn--> flowing --end--> over
//  any --refused, client gone, upstream dead--> over
type ExchangeState = "asking" | "held" | "flowing" | "over";

/** One request and its answer on their way between a client's connection and an invocation. */
export class Exchange
  implements InvocationRequest, InvocationListener, UploadTarget, DownloadSource
{
  body: Uint8Array | undefined;
  complete: boolean;
  readonly #options: ExchangeOptions;
  #state: ExchangeState = "asking";
  #upload: Upload | undefined;
  #download: Download | undefined;
  #invocation: Invocation | undefined;
  #status = 0;
  #answer: ResponseHeaders | undefined;
  #heldChunk: Buffer | undefined;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    this.complete = !options.headers.hasBody;
  }

  get invocationId(): string {
    return this.#options.invocationId;
  }

  get requestId(): string {
    return this.#options.requestId;
  }

  get method(): string {
    return this.#options.request.method ?? "GET";
  }

  get url(): string {
    return this.#options.url;
  }

  get caller(): string {
    return this.#options.grant.callerJson;
  }

  /** Flat list: name, value, name, value, … */
  get headers(): readonly string[] {
    return this.#options.headers.forwarded;
  }

  get route(): Route {
    return this.#options.route;
  }

  get receivedAtMs(): number {
    return this.#options.receivedAtMs;
  }

  /** Takes the request's body if it is small, and invokes. */
  begin(): void {
    const { headers, route } = this.#options;
    const response: ExchangeResponse = this.#options.response;
    response.exchange = this;
    response.on("close", onClose);
    if (headers.contentLength > route.edge.bodyInBytesMax) {
      this.#refuse(this.#bodyTooLarge());
    } else if (this.complete) {
      this.#invoke();
    } else {
      this.#upload = this.#createUpload();
      if (!headers.chunked && headers.contentLength <= gatheredBytesMax) this.#upload.gather();
      else this.#invoke();
    }
  }

  // ---- the request's body ---------------------------------------------------------------------

  gathered(body: Buffer): void {
    this.complete = true;
    this.body = body;
    this.#invoke();
  }

  streamed(chunk: Buffer): boolean {
    return this.#invocation?.write(chunk) ?? true;
  }

  ended(): void {
    this.#invocation?.endBody();
  }

  tooLarge(): void {
    this.#invocation?.abort(this.#bodyTooLarge());
  }

  #createUpload(): Upload {
    const { context, request, response, headers, route, expectsContinue } = this.#options;
    return new Upload({
      context,
      request,
      response,
      target: this,
      contentLength: headers.contentLength,
      bytesMax: route.edge.bodyInBytesMax,
      expectsContinue,
    });
  }

  #bodyTooLarge(): ReactorError {
    const { name } = this.route.function;
    const bytesMax = this.route.edge.bodyInBytesMax;
    return new ReactorError(
      "payload_too_large",
      `Cannot invoke "${name}": the request body is over max_body_in_mb, more than ${bytesMax} bytes`,
      { details: { function: name, body_in_bytes_max: bytesMax } },
    );
  }

  #invoke(): void {
    const { serving } = this.#options.context;
    this.#invocation = new Invocation(serving.context, this, this);
    serving.invoke(this.#invocation);
    this.body = undefined;
  }

  // ---- what the invocation says ---------------------------------------------------------------

  drained(): void {
    if (this.#state !== "over") this.#upload?.resume();
  }

  head(status: number, headers: readonly string[]): void {
    const answer = new ResponseHeaders(headers, { sharedHost: this.#options.sharedHost });
    const fault = status < 200 || status > 599 ? `status ${status} is not one` : answer.fault;
    if (fault !== undefined) {
      this.#invocation?.abort(this.#unusable(fault));
      return;
    }
    this.#status = status;
    this.#answer = answer;
    if (answer.contentLength !== undefined && this.#isOverLimit(answer.contentLength)) return;
    this.#state = "held";
    this.#options.context.holding.hold(this);
  }

  data(chunk: Buffer): void {
    if (this.#state === "held") {
      if (this.#heldChunk === undefined) {
        // The first chunk stays valid until `flush`, which is a microtask.
        this.#heldChunk = chunk;
        return;
      }
      this.flush();
    }
    if (this.#state === "flowing") this.#download?.send(Buffer.from(chunk));
  }

  end(): void {
    if (this.#state === "held") this.#sendWhole();
    else if (this.#state === "flowing") this.#finish();
  }

  failed(error: ReactorError, stack: string | undefined): void {
    if (this.#state === "over") return;
    if (this.#state !== "flowing") {
      this.#refuse(error, stack);
      return;
    }
    this.#over();
    this.#download?.cut();
  }

  /** The head waited for the rest of its turn; nothing more came, so the body streams. */
  flush(): void {
    if (this.#state !== "held") return;
    this.#state = "flowing";
    const { context, response } = this.#options;
    const { list, contentLength } = this.#answer as ResponseHeaders;
    if (contentLength !== undefined) list.push("Content-Length", String(contentLength));
    this.#writeHead(list);
    const bodyless = this.#isBodyless();
    this.#download = new Download({ context, response, source: this, contentLength, bodyless });
    const chunk = this.#heldChunk;
    this.#heldChunk = undefined;
    if (chunk === undefined || bodyless) response.flushHeaders();
    if (chunk !== undefined) this.#download.send(Buffer.from(chunk));
  }

  // ---- the answer -----------------------------------------------------------------------------

  #sendWhole(): void {
    const { response } = this.#options;
    const { list, contentLength } = this.#answer as ResponseHeaders;
    const body = this.#heldChunk;
    const bytes = body === undefined ? 0 : body.length;
    const bodyless = this.#isBodyless();
    if (!bodyless && contentLength !== undefined && contentLength !== bytes) {
      this.#refuse(
        this.#unusable(`it has ${bytes} bytes but Content-Length says ${contentLength}`),
      );
      return;
    }
    if (!bodyless) list.push("Content-Length", String(bytes));
    else if (contentLength !== undefined && this.#status !== 204) {
      list.push("Content-Length", String(contentLength));
    }
    this.#over();
    this.#writeHead(list);
    if (body === undefined || bodyless) response.end();
    else response.end(body);
  }

  #writeHead(list: string[]): void {
    const { context, response, requestId } = this.#options;
    appendPlatformHeaders(list, this.#invocation, this, context);
    if (this.#endsConnection()) list.push("Connection", "close");
    list.push("X-Request-Id", requestId);
    response.writeHead(this.#status, list);
  }

  #finish(): void {
    this.#over();
    if (this.#download?.finish() === false) this.#warn("its body is shorter than its length");
  }

  #refuse(error: ReactorError, stack?: string): void {
    const { context, response, requestId, grant } = this.#options;
    this.#over();
    context.refusals.count(error.code);
    const headers: string[] = [];
    appendPlatformHeaders(headers, this.#invocation, this, context);
    if (this.#endsConnection()) headers.push("Connection", "close");
    answerError(response, error, { requestId, seesStacks: grant.seesStacks, stack, headers });
  }

  /** The rest of a body that nobody reads would be taken for the next request. */
  #endsConnection(): boolean {
    const { context, headers } = this.#options;
    if (context.isClosing()) return true;
    return headers.hasBody && this.#upload?.complete !== true;
  }

  #isBodyless(): boolean {
    return this.#status === 204 || this.#status === 304 || this.#options.request.method === "HEAD";
  }

  #isOverLimit(contentLength: number): boolean {
    const limit = this.#invocation?.target?.deployment.manifest.limits.bodyOutBytesMax;
    if (limit === undefined || contentLength <= limit || this.#isBodyless()) return false;
    this.#invocation?.abortTooLarge();
    return true;
  }

  #unusable(why: string): ReactorError {
    const message = `Cannot pass on the response of "${this.route.function.name}": ${why}`;
    // There is an invocation whenever there is an answer.
    return (this.#invocation as Invocation).error("runtime_error", message);
  }

  // ---- ends and bounds ------------------------------------------------------------------------

  taken(bytes: number): void {
    this.#invocation?.consumed(bytes);
  }

  overran(): void {
    this.#invocation?.abort(this.#unusable("its body is longer than its Content-Length"));
  }

  bodyStalled(): void {
    const { bodyIdleMs } = this.#options.context.settings;
    const message = `The request body stopped: nothing came for ${bodyIdleMs} ms`;
    const error = new ReactorError("invalid_request", message);
    if (this.#invocation === undefined) this.#refuse(error);
    else this.#invocation.abort(error);
  }

  readerStalled(): void {
    this.#warn("the client takes nothing");
    this.closed();
    this.#download?.cut();
  }

  /** The connection is closed, or the answer is out. */
  closed(): void {
    if (this.#state === "over") return;
    this.#over();
    this.#invocation?.cancel("client disconnected");
  }

  #over(): void {
    this.#state = "over";
    this.#heldChunk = undefined;
    this.#upload?.stop();
  }

  #warn(why: string): void {
    this.#options.context.log.warn(`response cut: ${why}`, {
      function: this.route.function.name,
      invocation: this.invocationId,
    });
  }
}

function onClose(this: ExchangeResponse): void {
  this.exchange?.closed();
}
