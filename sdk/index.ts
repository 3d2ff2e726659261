/** Types of functions that run on Reactor, and `defineFunction`. No dependency. */

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
  /** How: for instance `key` or `jwt`. */
  readonly kind: string;
  /** Key id, or the subject of a token; never the credential itself. */
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

/** A validator of the Standard Schema specification, as zod, valibot, arktype and others make them. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    validate(value: unknown): StandardResult<Output> | Promise<StandardResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a Standard Schema validator answers: the value, or the issues. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** A JSON Schema; keywords that the platform does not check are refused at deploy. */
export type JsonSchema = Readonly<Record<string, unknown>> | boolean;

/** A JSON Schema says nothing to the type checker, and neither does none. */
type InputOf<S> = S extends StandardSchema<infer _, infer Output> ? Output : unknown;
type OutputOf<S> = S extends StandardSchema<infer Input> ? Input : unknown;

/** What `defineFunction` takes. `input` and `output` are Standard Schema validators or JSON Schemas. */
export interface FunctionDefinition<I, O> {
  readonly name?: string;
  readonly description?: string;
  /** What the JSON body (of GET and HEAD: the query as an object) must be; else the answer is 400. */
  readonly input?: I;
  /** What the handler must return, unless it is a Response; else the answer is 500. */
  readonly output?: O;
  /** Its value is the JSON body of the answer, undefined is 204, a Response passes. */
  handler(call: {
    readonly input: InputOf<I>;
    readonly ctx: FunctionContext;
  }): OutputOf<O> | Response | PromiseLike<OutputOf<O> | Response>;
}

/** Tells the platform apart what `defineFunction` made; the same symbol for every copy of this file. */
const definedMark: unique symbol = Symbol.for("reactor.defineFunction");

/** What `defineFunction` returns; the platform calls its handler. */
export interface DefinedFunction {
  readonly input?: unknown;
  readonly output?: unknown;
  handler(call: { readonly input: unknown; readonly ctx: object }): unknown;
}

/** Defines a function whose input and output are checked: `export default defineFunction({ … })`. */
export function defineFunction<
  I extends StandardSchema | JsonSchema | undefined = undefined,
  O extends StandardSchema | JsonSchema | undefined = undefined,
>(definition: FunctionDefinition<I, O>): FunctionDefinition<I, O> {
  return Object.freeze({ ...definition, [definedMark]: true });
}

/** Whether a value was made by `defineFunction`. */
export function isDefinedFunction(value: unknown): value is DefinedFunction {
  return typeof value === "object" && value !== null && definedMark in value;
}
