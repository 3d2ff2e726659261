import type { ReactorError } from "../domain/errors.ts";
import type { Route } from "./route-table.ts";

/** What a caller may ask of an invocation that runs later. */
export interface AsyncWishes {
  /** The same key of the same caller on the same function is one invocation. */
  readonly idempotencyKey: string | undefined;
  readonly orderingKey: string | undefined;
  readonly delayMs: number;
}

/** A request that is to run later: complete, and admitted by access, policies and body size. */
export interface AsyncRequest extends AsyncWishes {
  readonly invocationId: string;
  readonly requestId: string;
  readonly method: string;
  /** Absolute URL as the function sees it. */
  readonly url: string;
  /** Flat list: name, value, name, value, … */
  readonly headers: readonly string[];
  /** JSON of the authenticated caller in ASCII, or "" for none. */
  readonly caller: string;
  /** Address of the client. */
  readonly ip: string;
  readonly route: Route;
  readonly body: Uint8Array;
}

export interface AcceptedInvocation {
  readonly id: string;
  /** Path and query at the server where its state is told; whoever knows it may read it. */
  readonly statusPath: string;
}

/** Takes invocations that run later. */
export interface AsyncIntake {
  /**
   * Resolves when the invocation is durable, or with the refusal: `too_many_requests` over a
   * function's bounds, `conflict` for a key that came with another request, `storage_…` when it
   * cannot be kept. Never rejects.
   */
  accept(request: AsyncRequest): Promise<AcceptedInvocation | ReactorError>;
  /** Bytes of the largest body it takes. */
  readonly bodyBytesMax: number;
}
