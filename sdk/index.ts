/** Types of functions that run on Reactor. No code of the platform is in here, and no dependency. */

/** Writes lines to the function's log under the current request. Arguments print as with `console.log`. */
export interface FunctionLog {
  (...args: readonly unknown[]): void;
  debug(...args: readonly unknown[]): void;
  info(...args: readonly unknown[]): void;
  warn(...args: readonly unknown[]): void;
  error(...args: readonly unknown[]): void;
}

export interface FunctionSecrets {
  /** The secret's value. Throws an error that names the key when it is not set or not declared. */
  get(key: string): string;
}

/** Who called, as the platform authenticated it. */
export interface FunctionCaller {
  /** How: for instance `key`, `anonymous` or `system`. */
  readonly kind: string;
  /** Key id or the like; never the credential itself. */
  readonly id: string;
  readonly [claim: string]: unknown;
}

/** What every handler receives beside its request. Members may be destructured. */
export interface FunctionContext {
  /** The caller's `X-Request-Id` when it sent a well-formed one; may repeat. */
  readonly requestId: string;
  /** `inv_…`, unique. */
  readonly invocationId: string;
  readonly functionName: string;
  readonly deploymentId: string;
  readonly revision: number;
  /** Epoch milliseconds at which the platform gives up on the response's head. */
  readonly deadline: number;
  /** Milliseconds until `deadline`, never negative. */
  remainingMs(): number;
  /** Aborts when the client leaves or the time is up; the same moment as `request.signal`. */
  readonly signal: AbortSignal;
  readonly log: FunctionLog;
  /** The declared env variables and secrets. Frozen. */
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: FunctionSecrets;
  /** Keeps the instance until the promise settles, also after the response. A rejection is logged. */
  waitUntil(promise: PromiseLike<unknown>): void;
  /** Absent when the platform did not authenticate anybody. */
  readonly caller: FunctionCaller | undefined;
  readonly memoryLimitMB: number;
  readonly timeoutMs: number;
}

/** `export default function (request, ctx)`. */
export type Handler = (request: Request, ctx: FunctionContext) => Response | PromiseLike<Response>;

/** `export default { fetch(request, ctx) }`. */
export interface FetchHandler {
  fetch: Handler;
}
