import type { HttpExchange } from "./http-exchange.ts";
import type { ReactorError } from "../domain/errors.ts";

type Controller = ReadableStreamDefaultController<Uint8Array>;

/** What a request body's web stream draws from: nothing is read before it is wanted. */
export class BodySource implements UnderlyingDefaultSource<Uint8Array> {
  readonly #http: HttpExchange;
  #controller: Controller | undefined;

  constructor(http: HttpExchange) {
    this.#http = http;
  }

  start(controller: Controller): void {
    this.#controller = controller;
  }

  pull(): void {
    this.#http.readBody();
  }

  cancel(): void {
    this.#controller = undefined;
    this.#http.stopBody();
  }

  chunk(chunk: Buffer): void {
    // Most reads want one chunk; the next pull asks for more.
    this.#http.pauseBody();
    this.#controller?.enqueue(Buffer.from(chunk));
  }

  end(): void {
    this.#controller?.close();
    this.#controller = undefined;
  }

  fail(error: ReactorError): void {
    this.#controller?.error(error);
    this.#controller = undefined;
  }
}
