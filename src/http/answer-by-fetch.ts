import { endOfTurn } from "../base/end-of-turn.ts";
import { ReactorError } from "../domain/errors.ts";
import { BodySource } from "./body-source.ts";
import type { ExchangeListener } from "./exchange-listener.ts";
import type { HttpExchange } from "./http-exchange.ts";
import { webRequest } from "./web-request.ts";

type Reader = ReadableStreamDefaultReader<Uint8Array>;
type Chunk = Awaited<ReturnType<Reader["read"]>>;

/** Headers that this server writes itself. */
const ownHeaders: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "date",
  "keep-alive",
  "transfer-encoding",
]);

export interface WebHandler {
  /** Answers a request; its signal is aborted when the client leaves. */
  fetch(request: Request, http: HttpExchange): Response | Promise<Response>;
  /** The answer to a request that has no form in the web platform. */
  malformed(cause: unknown): Response;
}

/**
 * Answers a request by a handler of the web platform's Request and Response. Bodies stream in both
 * directions, each as fast as its reader takes it. Rejects when handler or body fail; the
 * connection is cut then.
 */
export async function answerByFetch(http: HttpExchange, handler: WebHandler): Promise<void> {
  const exchange = new WebExchange(http);
  http.listener = exchange;
  try {
    await exchange.answer(handler);
  } catch (error) {
    http.abort();
    throw error;
  }
}

class WebExchange implements ExchangeListener {
  readonly #http: HttpExchange;
  readonly #source: BodySource;
  readonly #left = new AbortController();
  #reader: Reader | undefined;
  #wake: (() => void) | undefined;

  constructor(http: HttpExchange) {
    this.#http = http;
    this.#source = new BodySource(http);
  }

  async answer(handler: WebHandler): Promise<void> {
    const request = this.#request();
    const response =
      request instanceof Request
        ? await handler.fetch(request, this.#http)
        : handler.malformed(request.cause);
    await this.#send(response);
  }

  bodyChunk(chunk: Buffer): void {
    this.#source.chunk(chunk);
  }

  bodyEnd(): void {
    this.#source.end();
  }

  bodyFailed(error: ReactorError): void {
    this.#source.fail(error);
  }

  clientDrained(): void {
    if (this.#http.unsentBytes === 0) this.#goOn();
  }

  clientStalled(): void {
    this.clientGone();
  }

  clientGone(): void {
    const error = new ReactorError("invalid_request", "The client closed its connection");
    this.#left.abort(error);
    this.#source.fail(error);
    // A body that cannot be cancelled has failed, and nobody waits for it any more.
    this.#reader?.cancel(error).catch((failure: unknown) => this.#left.abort(failure));
    this.#goOn();
  }

  #request(): Request | { readonly cause: unknown } {
    const http = this.#http;
    const body = http.hasBody
      ? new ReadableStream<Uint8Array>(this.#source, { highWaterMark: 0 })
      : undefined;
    try {
      return webRequest({ http, body, signal: this.#left.signal });
    } catch (cause) {
      return { cause };
    }
  }

  async #send(response: Response): Promise<void> {
    const http = this.#http;
    const headers: string[] = [];
    for (const [name, value] of response.headers) {
      if (!ownHeaders.has(name)) headers.push(name, value);
    }
    if (response.headers.get("connection")?.toLowerCase() === "close") http.keepsAlive = false;
    const length = response.headers.get("content-length");
    const declaredBytes = length === null ? undefined : Number(length);
    const { body, status } = response;
    if (body === null || http.method === "HEAD" || this.#left.signal.aborted) {
      http.whole(status, headers, undefined, declaredBytes);
      await body?.cancel();
      return;
    }
    this.#reader = body.getReader();
    const first = await this.#reader.read();
    const rest = this.#reader.read();
    if (first.done || (await isDoneAtOnce(rest))) {
      http.whole(status, headers, first.value);
      return;
    }
    http.start(status, headers, declaredBytes);
    await this.#stream(this.#reader, first.value, rest);
  }

  async #stream(reader: Reader, first: Uint8Array, rest: Promise<Chunk>): Promise<void> {
    await this.#write(first);
    for (let next = await rest; !next.done; next = await reader.read()) {
      if (this.#left.signal.aborted) return;
      await this.#write(next.value);
    }
    if (!this.#left.signal.aborted) this.#http.finish();
  }

  async #write(chunk: Uint8Array): Promise<void> {
    if (!this.#http.write(chunk)) await this.#drained();
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#left.signal.aborted) resolve();
      else this.#wake = resolve;
    });
  }

  #goOn(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}

/** Whether a body ends with what was read already; then it leaves whole, with its length. */
async function isDoneAtOnce(rest: Promise<Chunk>): Promise<boolean> {
  const turn = new Promise<undefined>((resolve) => endOfTurn(() => resolve(undefined)));
  return (await Promise.race([rest, turn]))?.done === true;
}
