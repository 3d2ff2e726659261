import assert from "node:assert/strict";
import { describeExit } from "../../domain/instance.ts";
import type { InvocationFailure, InvocationSink, InvocationStream } from "../driver.ts";

export interface RecordingOptions {
  /** Keep the body's bytes; off for streams that are only counted. */
  readonly keep: boolean;
  /** Grant credit for each chunk at once. */
  readonly consume: boolean;
}

/** A sink that writes down what it hears and lets a case wait for it. */
export class Recording implements InvocationSink {
  readonly events: string[] = [];
  readonly chunks: Buffer[] = [];
  status = 0;
  headers: readonly string[] = [];
  bytes = 0;
  drains = 0;
  ended = false;
  failure: InvocationFailure | undefined;
  readonly #options: RecordingOptions;
  #stream: InvocationStream | undefined;
  #owedBytes = 0;
  readonly #waiting = new Set<() => void>();

  constructor(options: RecordingOptions) {
    this.#options = options;
  }

  /** The request's side; set by the context as soon as `serve` returns. */
  get stream(): InvocationStream {
    assert(this.#stream !== undefined, "serve() has not returned");
    return this.#stream;
  }

  attach(stream: InvocationStream): void {
    this.#stream = stream;
    // The sink may be called before serve() returns.
    if (this.#owedBytes > 0) stream.consumed(this.#owedBytes);
    this.#owedBytes = 0;
  }

  head(status: number, headers: readonly string[]): void {
    this.status = status;
    this.headers = [...headers];
    this.#heard("head");
  }

  data(chunk: Buffer): void {
    this.bytes += chunk.length;
    // Chunks are only valid during the call.
    if (this.#options.keep) this.chunks.push(Buffer.from(chunk));
    if (this.#options.consume) {
      if (this.#stream === undefined) this.#owedBytes += chunk.length;
      else this.#stream.consumed(chunk.length);
    }
    this.#heard("data");
  }

  end(): void {
    this.ended = true;
    this.#heard("end");
  }

  failed(failure: InvocationFailure): void {
    this.failure ??= failure;
    this.#heard("failed");
  }

  drained(): void {
    this.drains += 1;
    this.#heard("drained");
  }

  get isDone(): boolean {
    return this.ended || this.failure !== undefined;
  }

  body(): Buffer {
    return Buffer.concat(this.chunks);
  }

  text(): string {
    return this.body().toString("utf8");
  }

  json(): unknown {
    return JSON.parse(this.text());
  }

  /** Values of a response header, each as it was sent. */
  header(name: string): string[] {
    const values: string[] = [];
    for (let at = 0; at + 1 < this.headers.length; at += 2) {
      if (this.headers[at]?.toLowerCase() === name) values.push(this.headers[at + 1] ?? "");
    }
    return values;
  }

  /** Resolves as soon as the condition holds; looked at after every call of the sink. */
  until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve) => {
      const look = (): void => {
        if (!condition()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
    });
  }

  /** Throws unless the calls so far are one head, then data, then one last call. */
  assertOrder(): void {
    const calls = this.events.filter((event) => event !== "drained").join(" ");
    assert.match(calls, /^(?:head(?: data)* (?:end|failed)|failed)$/, `sink heard: ${calls}`);
  }

  describe(): string {
    const failure = this.failure;
    if (failure === undefined) return `${this.status} after ${this.bytes} bytes`;
    const why = failure.kind === "exited" ? describeExit(failure.exit) : JSON.stringify(failure);
    return `${failure.kind}: ${why}`;
  }

  /** Long streams keep no event per chunk. */
  #heard(event: string): void {
    if (event !== "data" || this.events.at(-1) !== "data") this.events.push(event);
    for (const look of this.#waiting) look();
  }
}
