import type { ErrorDetails, ReactorError } from "../domain/errors.ts";
import type { Route } from "./route-table.ts";

/** One request to a function, as the gateway (or any other way in) hands it over. */
export interface InvocationRequest {
  readonly invocationId: string;
  readonly requestId: string;
  readonly method: string;
  /** Absolute URL as the function sees it. */
  readonly url: string;
  /** JSON of the authenticated caller in ASCII, or "" for none. */
  readonly caller: string;
  /** Flat list: name, value, name, value, … */
  readonly headers: readonly string[];
  readonly route: Route;
  /** The body bytes that are known already; kept until an instance took them. */
  readonly body: Uint8Array | undefined;
  /** Whether `body` is all of it. */
  readonly complete: boolean;
  /** Monotonic milliseconds at which the request came in; durations count from here. */
  readonly receivedAtMs: number;
}

/** Hears what becomes of an invocation. Exactly one of `end` and `failed` comes last, unless it is cancelled first. */
export interface InvocationListener {
  /** Header names and values in one flat list, not yet checked for CR, LF and the like. */
  head(status: number, headers: readonly string[]): void;
  /** The chunk is only valid during the call; every byte is acknowledged by `consumed`. */
  data(chunk: Buffer): void;
  end(): void;
  /** The outcome is an error, before or after the head. `stack` is for those who may see it. */
  failed(error: ReactorError, stack: string | undefined): void;
  /** The instance takes (more of) the request body: called once it runs and after `write` gave false. */
  drained(): void;
}

/** What an error about an invocation says beside the details that all of them carry. */
export interface ErrorExtras {
  readonly details?: ErrorDetails;
  readonly retryAfterSecs?: number;
}
