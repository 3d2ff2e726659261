import type { HttpExchange } from "../http/http-exchange.ts";

/** What hears about a download. */
export interface DownloadSource {
  /** The client took `bytes`. */
  taken(bytes: number): void;
  /** More came than the declared length. */
  overran(): void;
}

export interface DownloadOptions {
  readonly http: HttpExchange;
  readonly source: DownloadSource;
  /** What the head says; undefined when it is chunked. */
  readonly contentLength: number | undefined;
  /** The answer has a head only (HEAD, 204, 304): body bytes are dropped. */
  readonly bodyless: boolean;
}

/** A streamed response body on its way out, held back by a client that reads slowly. */
export class Download {
  readonly #options: DownloadOptions;
  #sentBytes = 0;
  #undrainedBytes = 0;

  constructor(options: DownloadOptions) {
    this.#options = options;
  }

  /** Sends a chunk, which may be reused after the call. */
  send(chunk: Uint8Array): void {
    const { http, source, contentLength, bodyless } = this.#options;
    const bytes = chunk.length;
    if (bodyless) {
      source.taken(bytes);
      return;
    }
    this.#sentBytes += bytes;
    if (contentLength !== undefined && this.#sentBytes > contentLength) source.overran();
    else if (http.write(chunk)) source.taken(bytes);
    else this.#undrainedBytes += bytes;
  }

  /** Ends the answer; false when it is shorter than it said, and then it is cut off. */
  finish(): boolean {
    const { http, contentLength, bodyless } = this.#options;
    if (bodyless || contentLength === undefined || contentLength === this.#sentBytes) {
      http.finish();
      return true;
    }
    http.abort();
    return false;
  }

  /** Breaks the connection: only that says that the body is not all of it. */
  cut(): void {
    this.#options.http.abort();
  }

  /** The client took some of what was written: Bun says so before it took all. */
  drained(): void {
    const { http, source } = this.#options;
    const left = Math.min(this.#undrainedBytes, http.unsentBytes);
    const taken = this.#undrainedBytes - left;
    this.#undrainedBytes = left;
    if (taken > 0) source.taken(taken);
  }
}
