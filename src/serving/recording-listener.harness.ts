import type { ReactorError } from "../domain/errors.ts";
import type { InvocationListener } from "./invocation-contract.ts";

/** Keeps what an invocation said. */
export class RecordingListener implements InvocationListener {
  status: number | undefined;
  headers: readonly string[] = [];
  body = "";
  ended = false;
  error: ReactorError | undefined;
  stack: string | undefined;
  drains = 0;
  /** Called with each chunk's length, in place of acknowledging it. */
  onData: ((bytes: number) => void) | undefined;
  onSettled: (() => void) | undefined;

  /** `200 text`, the error's code, or `open`. */
  get outcome(): string {
    if (this.error !== undefined) return this.error.code;
    return this.ended ? `${this.status} ${this.body}` : "open";
  }

  head(status: number, headers: readonly string[]): void {
    this.status = status;
    this.headers = headers;
  }

  data(chunk: Buffer): void {
    this.body += chunk.toString();
    this.onData?.(chunk.length);
  }

  end(): void {
    this.ended = true;
    this.onSettled?.();
  }

  failed(error: ReactorError, stack: string | undefined): void {
    this.error = error;
    this.stack = stack;
    this.onSettled?.();
  }

  drained(): void {
    this.drains += 1;
  }
}
