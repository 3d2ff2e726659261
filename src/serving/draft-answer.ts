import { createDeferred } from "../base/deferred.ts";
import type { ReactorError } from "../domain/errors.ts";
import type { DraftOutcome } from "./draft-runner.ts";
import type { InvocationListener } from "./invocation-contract.ts";

/** Collects the answer of a draft. */
export class DraftAnswer implements InvocationListener {
  status: number | undefined;
  headers: readonly string[] = [];
  failure: DraftOutcome["failure"];
  /** Called with the length of what was taken. */
  onTaken: ((bytes: number) => void) | undefined;
  readonly #chunks: Buffer[] = [];
  readonly #over = createDeferred<void>();

  /** Resolves with the last word about the invocation. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  get body(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  head(status: number, headers: readonly string[]): void {
    this.status = status;
    this.headers = headers;
  }

  data(chunk: Buffer): void {
    this.#chunks.push(Buffer.from(chunk));
    this.onTaken?.(chunk.length);
  }

  end(): void {
    this.#over.resolve();
  }

  failed(error: ReactorError, stack: string | undefined): void {
    this.failure = { error, stack };
    this.#over.resolve();
  }

  drained(): void {
    // The whole request was handed over at once.
  }
}
