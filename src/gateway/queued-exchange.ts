import { ReactorError } from "../domain/errors.ts";
import type { ExchangeListener } from "../http/exchange-listener.ts";
import type { HttpExchange } from "../http/http-exchange.ts";
import type { AcceptedInvocation, AsyncIntake, AsyncWishes } from "../serving/async-intake.ts";
import type { Route } from "../serving/route-table.ts";
import type { Grant } from "./access.ts";
import { answerError } from "./error-answer.ts";
import type { GatewayContext } from "./gateway-context.ts";
import { platformLines } from "./platform-headers.ts";
import { Upload, type UploadTarget } from "./upload.ts";
import { workerBody } from "./worker-body.ts";

export interface QueuedExchangeOptions {
  readonly context: GatewayContext;
  readonly intake: AsyncIntake;
  readonly http: HttpExchange;
  /** Flat list of what the function gets. */
  readonly headers: readonly string[];
  readonly wishes: AsyncWishes;
  readonly route: Route;
  readonly grant: Grant;
  readonly invocationId: string;
  readonly requestId: string;
  readonly receivedAtMs: number;
  /** Absolute URL as the function sees it. */
  readonly url: string;
  readonly ip: string;
  readonly sharedHost: boolean;
  /** The id below `/invoke/`: body and errors are the worker family's. */
  readonly workerId: string | undefined;
}

const nothing = Buffer.alloc(0);

//  gathering --body complete--> accepting --durable--> over
//  any --refused, client gone--> over
type QueuedExchangeState = "gathering" | "accepting" | "over";

/** One request that is answered once it is sure to run later. */
export class QueuedExchange implements ExchangeListener, UploadTarget {
  readonly #options: QueuedExchangeOptions;
  readonly #bytesMax: number;
  #state: QueuedExchangeState = "gathering";
  #upload: Upload | undefined;

  constructor(options: QueuedExchangeOptions) {
    this.#options = options;
    this.#bytesMax = Math.min(options.route.edge.bodyInBytesMax, options.intake.bodyBytesMax);
  }

  /** Takes the request's whole body and hands it to the queue. */
  begin(): void {
    const { http } = this.#options;
    http.listener = this;
    if (http.contentLength > this.#bytesMax) {
      this.tooLarge();
      return;
    }
    const body = http.hasBody ? http.takeWhole() : nothing;
    if (body !== undefined) {
      this.gathered(body);
      return;
    }
    this.#upload = new Upload({ http, target: this, bytesMax: this.#bytesMax });
    this.#upload.gather();
  }

  gathered(body: Buffer): void {
    const taken = this.#options.workerId === undefined ? body : workerBody(body);
    if (taken instanceof ReactorError) {
      this.#refuse(taken);
      return;
    }
    this.#state = "accepting";
    void this.#accept(taken);
  }

  streamed(): boolean {
    return true;
  }

  ended(): void {
    // The body is gathered, never streamed.
  }

  tooLarge(): void {
    const { name } = this.#options.route.function;
    this.#refuse(
      new ReactorError(
        "payload_too_large",
        `Cannot queue an invocation of "${name}": the request body has more than ${this.#bytesMax} bytes, the least of its max_body_in_mb and the server's functions.async_payload_max_bytes`,
        { details: { function: name, body_in_bytes_max: this.#bytesMax } },
      ),
    );
  }

  // ---- the connection -------------------------------------------------------------------------

  bodyChunk(chunk: Buffer): void {
    this.#upload?.received(chunk);
  }

  bodyEnd(): void {
    this.#upload?.receivedAll();
  }

  bodyFailed(error: ReactorError): void {
    this.#refuse(error);
  }

  clientDrained(): void {
    // The answer is one write.
  }

  clientStalled(): void {
    this.clientGone();
  }

  clientGone(): void {
    // What is being accepted stays accepted: the client may ask again with its Idempotency-Key.
    this.#state = "over";
    this.#upload?.stop();
  }

  // ---- the answer -----------------------------------------------------------------------------

  async #accept(body: Uint8Array): Promise<void> {
    const { intake, http, grant, wishes, headers, url, ip, route } = this.#options;
    const { invocationId, requestId } = this.#options;
    const request = { invocationId, requestId, url, ip, route, headers, body, ...wishes };
    const { method } = http;
    const accepted = await intake.accept({ ...request, method, caller: grant.callerJson });
    if (accepted instanceof ReactorError) this.#refuse(accepted);
    else this.#answer(accepted);
  }

  #answer({ id, statusPath }: AcceptedInvocation): void {
    if (this.#state === "over") return;
    this.#state = "over";
    const { http, url, sharedHost, requestId, context } = this.#options;
    // On a function's own host every path is the function's, so only the path is said there.
    const origin = sharedHost ? url.slice(0, url.indexOf("/", url.indexOf("://") + 3)) : "";
    const statusUrl = origin + statusPath;
    const lines = `Content-Type: application/json\r\nLocation: ${statusUrl}\r\nPreference-Applied: respond-async\r\n`;
    const own = platformLines(undefined, this.#options, context);
    const body = Buffer.from(JSON.stringify({ id, status_url: statusUrl }));
    http.whole(202, `${lines}${own}X-Request-Id: ${requestId}\r\n`, body, body.length);
  }

  #refuse(error: ReactorError): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.#upload?.stop();
    const { context, http, requestId, workerId: id } = this.#options;
    context.refusals.count(error.code);
    answerError(http, error, {
      requestId,
      seesStacks: false,
      stack: undefined,
      worker: id === undefined ? undefined : { id, timeoutMs: undefined },
      lines: platformLines(undefined, this.#options, context),
    });
  }
}
