import type { ReactorError } from "../domain/errors.ts";

/** Hears what happens to a request and its answer; nothing comes after `clientGone`. */
export interface ExchangeListener {
  /** Bytes of the body, valid during the call. */
  bodyChunk(chunk: Buffer): void;
  /** The body is complete. */
  bodyEnd(): void;
  /** The body will not be complete: its framing is broken, or nothing came for too long. */
  bodyFailed(error: ReactorError): void;
  /** The client took some of what was written: `unsentBytes` says what is left. */
  clientDrained(): void;
  /** The client took nothing for too long; its connection is cut when this returns. */
  clientStalled(): void;
  /** The connection ended before the answer did. */
  clientGone(): void;
}
