import { ReactorError } from "../domain/errors.ts";
import type { ExchangeListener } from "../http/exchange-listener.ts";
import type { HttpExchange } from "../http/http-exchange.ts";
import { Invocation } from "../serving/invocation.ts";
import type { InvocationListener, InvocationRequest } from "../serving/invocation-contract.ts";
import type { Route } from "../serving/route-table.ts";
import type { Grant } from "./access.ts";
import { Download, type DownloadSource } from "./download.ts";
import { answerError } from "./error-answer.ts";
import type { GatewayContext } from "./gateway-context.ts";
import { platformLines } from "./platform-headers.ts";
import { type ResponseHeaders, responseHeaders } from "./response-headers.ts";
import { gatheredBytesMax, Upload, type UploadTarget } from "./upload.ts";
import { workerBody } from "./worker-body.ts";

export interface ExchangeOptions {
  readonly context: GatewayContext;
  readonly http: HttpExchange;
  /** Flat list of what the function gets. */
  readonly headers: readonly string[];
  readonly route: Route;
  readonly grant: Grant;
  readonly invocationId: string;
  readonly requestId: string;
  readonly receivedAtMs: number;
  /** Absolute URL as the function sees it. */
  readonly url: string;
  readonly sharedHost: boolean;
  /** Header lines about CORS; undefined when the function answers for it itself. */
  readonly corsLines: string | undefined;
  /** The id below `/invoke/`: the body is checked and errors are told as the worker family does. */
  readonly workerId: string | undefined;
}

//  asking --head--> held --end--> over
//  held --nothing more in this turn--> flowing --end--> over
//  any --refused, client gone, upstream dead--> over
type ExchangeState = "asking" | "held" | "flowing" | "over";

/** One request and its answer on their way between a client's connection and an invocation. */
export class Exchange
  implements InvocationRequest, InvocationListener, ExchangeListener, UploadTarget, DownloadSource
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
    this.complete = !options.http.hasBody;
  }

  get invocationId(): string {
    return this.#options.invocationId;
  }

  get requestId(): string {
    return this.#options.requestId;
  }

  get method(): string {
    return this.#options.http.method;
  }

  get url(): string {
    return this.#options.url;
  }

  get caller(): string {
    return this.#options.grant.callerJson;
  }

  /** Flat list: name, value, name, value, … */
  get headers(): readonly string[] {
    return this.#options.headers;
  }

  get route(): Route {
    return this.#options.route;
  }

  get receivedAtMs(): number {
    return this.#options.receivedAtMs;
  }

  /** Takes the request's body if it is small, and invokes. */
  begin(): void {
    const { http, route } = this.#options;
    const isWorker = this.#options.workerId !== undefined;
    http.listener = this;
    if (http.contentLength > route.edge.bodyInBytesMax) {
      this.#refuse(this.#bodyTooLarge());
    } else if (this.complete && isWorker) {
      this.gathered(undefined);
    } else if (this.complete) {
      this.#invoke();
    } else if (!isWorker && (http.chunked || http.contentLength > gatheredBytesMax)) {
      this.#upload = this.#createUpload();
      this.#invoke();
    } else {
      // Nearly always a small body comes together with its head.
      const body = http.takeWhole();
      if (body !== undefined) {
        this.gathered(body);
        return;
      }
      this.#upload = this.#createUpload();
      this.#upload.gather();
    }
  }

  // ---- the request's body ---------------------------------------------------------------------

  gathered(body: Buffer | undefined): void {
    this.complete = true;
    const taken = this.#options.workerId === undefined ? body : workerBody(body);
    if (taken instanceof ReactorError) {
      this.#refuse(taken);
      return;
    }
    this.body = taken;
    this.#invoke();
  }

  streamed(chunk: Buffer): boolean {
    return this.#invocation?.write(chunk) ?? true;
  }

  ended(): void {
    this.#invocation?.endBody();
  }

  tooLarge(): void {
    if (this.#invocation === undefined) this.#refuse(this.#bodyTooLarge());
    else this.#invocation.abort(this.#bodyTooLarge());
  }

  bodyChunk(chunk: Buffer): void {
    this.#upload?.received(chunk);
  }

  bodyEnd(): void {
    this.#upload?.receivedAll();
  }

  bodyFailed(error: ReactorError): void {
    if (this.#invocation === undefined) this.#refuse(error);
    else this.#invocation.abort(error);
  }

  #createUpload(): Upload {
    const { http, route } = this.#options;
    return new Upload({ http, target: this, bytesMax: route.edge.bodyInBytesMax });
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
    const { sharedHost, corsLines } = this.#options;
    const answer = responseHeaders(headers, { sharedHost, ownCors: corsLines !== undefined });
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
    if (this.#state === "flowing") this.#download?.send(chunk);
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
    const { http } = this.#options;
    const { lines, contentLength } = this.#answer as ResponseHeaders;
    http.start(this.#status, this.#withOwn(lines), contentLength);
    const bodyless = this.#isBodyless();
    this.#download = new Download({ http, source: this, contentLength, bodyless });
    const chunk = this.#heldChunk;
    this.#heldChunk = undefined;
    if (chunk !== undefined) this.#download.send(chunk);
  }

  // ---- the answer -----------------------------------------------------------------------------

  #sendWhole(): void {
    const { http } = this.#options;
    const { lines, contentLength } = this.#answer as ResponseHeaders;
    const body = this.#heldChunk;
    const bytes = body === undefined ? 0 : body.length;
    if (contentLength !== undefined && contentLength !== bytes && !this.#isBodyless()) {
      this.#refuse(
        this.#unusable(`it has ${bytes} bytes but Content-Length says ${contentLength}`),
      );
      return;
    }
    this.#over();
    http.whole(this.#status, this.#withOwn(lines), body, contentLength);
  }

  /** The function's header lines with the platform's. */
  #withOwn(lines: string): string {
    const { context, requestId, corsLines = "" } = this.#options;
    const own = platformLines(this.#invocation, this, context);
    return `${lines}${own}${corsLines}X-Request-Id: ${requestId}\r\n`;
  }

  #finish(): void {
    this.#over();
    if (this.#download?.finish() === false) this.#warn("its body is shorter than its length");
  }

  #refuse(error: ReactorError, stack?: string): void {
    const { context, http, requestId, grant, workerId: id, corsLines = "" } = this.#options;
    this.#over();
    context.refusals.count(error.code);
    const lines = platformLines(this.#invocation, this, context) + corsLines;
    const timeoutMs = this.#invocation?.target?.deployment.manifest.limits.timeoutMs;
    const worker = id === undefined ? undefined : { id, timeoutMs };
    answerError(http, error, { requestId, seesStacks: grant.seesStacks, stack, worker, lines });
  }

  #isBodyless(): boolean {
    return this.#status === 204 || this.#status === 304 || this.#options.http.method === "HEAD";
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

  clientDrained(): void {
    this.#download?.drained();
  }

  clientStalled(): void {
    this.#warn("the client takes nothing");
    this.clientGone();
  }

  clientGone(): void {
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
