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

/**
 * A value for a statement. Dates go as ISO 8601 text, bytes as bytea, objects as JSON; an array is an
 * array, or JSON where the column is JSON. JSON text for a JSON column passes as it is.
 */
export type DatabaseValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | Uint8Array
  | readonly unknown[]
  | { readonly [key: string]: unknown };

/** A row by column. Numbers that JavaScript cannot hold exactly (numeric, large bigint) are text. */
export type DatabaseRow = Record<string, unknown>;

/** One condition; all of a query's must hold. */
export type DatabaseFilter =
  | {
      readonly column: string;
      readonly op: "eq" | "neq" | "gt" | "gte" | "lt" | "lte" | "like" | "ilike";
      readonly value: DatabaseValue;
    }
  | {
      readonly column: string;
      readonly op: "in" | "nin";
      readonly value: readonly (boolean | number | bigint | string | Date)[];
    }
  | { readonly column: string; readonly op: "is_null" | "not_null" };

export type DatabaseOrder =
  | string
  | { readonly column: string; readonly direction?: "asc" | "desc" };

/** Columns of a row to write; undefined ones are left out. */
export type DatabaseData = { readonly [column: string]: DatabaseValue | undefined };

interface TableQuery {
  /** A table of the schema `public`. */
  readonly table: string;
  /** Columns to return; every one when absent. */
  readonly columns?: readonly string[] | "*" | undefined;
}

/** What `ctx.db.query` takes, all but `count`. */
export type RowsQuery =
  | (TableQuery & {
      readonly operation: "select";
      readonly filters?: readonly DatabaseFilter[] | undefined;
      readonly order_by?: DatabaseOrder | readonly DatabaseOrder[] | undefined;
      /** 100 when absent, at most 5000. */
      readonly limit?: number | undefined;
      readonly offset?: number | undefined;
    })
  | (TableQuery & {
      readonly operation: "insert";
      readonly data: DatabaseData | readonly DatabaseData[];
    })
  | (TableQuery & {
      readonly operation: "upsert";
      readonly data: DatabaseData | readonly DatabaseData[];
      /** Columns that tell an existing row; the primary key when absent. */
      readonly conflict?: readonly string[] | undefined;
    })
  | (TableQuery & {
      readonly operation: "update";
      readonly data: DatabaseData;
      readonly filters?: readonly DatabaseFilter[] | undefined;
      /** Says that every row is meant, where there are no filters. */
      readonly all?: boolean | undefined;
    })
  | (TableQuery & {
      readonly operation: "delete";
      readonly filters?: readonly DatabaseFilter[] | undefined;
      readonly all?: boolean | undefined;
    });

export interface CountQuery {
  readonly table: string;
  readonly operation: "count";
  readonly filters?: readonly DatabaseFilter[] | undefined;
}

/** What is thrown by `ctx.db`; `name` is `DatabaseError`. */
export interface DatabaseError extends Error {
  readonly code:
    | "invalid_request"
    | "query_failed"
    | "query_timeout"
    | "result_too_large"
    | "transaction_ended"
    | "too_many_requests"
    | "database_unavailable"
    | "runtime_error";
  /** The part of the call that is malformed. */
  readonly field?: string;
  /** PostgreSQL's code, such as `23505` for a unique key that is taken. */
  readonly sqlstate?: string;
  readonly detail?: string;
  readonly hint?: string;
  readonly table?: string;
  readonly column?: string;
  readonly constraint?: string;
  readonly position?: number;
}

/** Statements in the project's PostgreSQL. Every failure is a `DatabaseError`. */
export interface DatabaseQueries {
  /** How many rows there are. */
  query(query: CountQuery): Promise<number>;
  /** Reads or writes rows of one table; returns those it read or wrote. */
  query<Row = DatabaseRow>(query: RowsQuery): Promise<Row[]>;
  /** Runs one statement whose values are `$1`, `$2`, …; returns its rows, at most 5000. */
  sql<Row = DatabaseRow>(text: string, params?: readonly DatabaseValue[]): Promise<Row[]>;
}

/** `ctx.db`: the project's own database. The function never holds a credential of it. */
export interface FunctionDatabase extends DatabaseQueries {
  /**
   * Runs the work in a transaction, on what it is given; commits when it resolves and rolls back when
   * it rejects, or when the invocation is over first. Transactions do not nest.
   */
  transaction<T>(work: (transaction: DatabaseQueries) => PromiseLike<T> | T): Promise<T>;
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
  /** 1, or of a queued invocation that runs again which time this is; the header `X-Reactor-Attempt`. */
  readonly attempt: number;
  /** Values of the route's parameters, decoded: `/todos/:id` gives `{ id: "7" }`. Empty on every other way in. */
  readonly params: Readonly<Record<string, string>>;
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
  readonly db: FunctionDatabase;
  /** Keeps the instance until the promise settles, also after the response. A rejection is logged. */
  waitUntil(promise: PromiseLike<unknown>): void;
  /** Absent when the platform did not authenticate anybody. */
  readonly caller: FunctionCaller | undefined;
  readonly memoryLimitMB: number;
  readonly timeoutMs: number;
}

/** What every event of the platform has: a CloudEvent 1.0 in JSON. `id` is the same each time it comes. */
interface EventOf<Type extends string, Data> {
  readonly specversion: "1.0";
  readonly id: string;
  readonly type: Type;
  /** `/projects/<project>/functions/<function>` */
  readonly source: string;
  /** ISO 8601, in UTC. */
  readonly time: string;
  readonly datacontenttype: "application/json";
  readonly data: Readonly<Data> & {
    readonly project: string;
    readonly function: string;
    readonly function_id: string;
    readonly revision: number | null;
    readonly error: { readonly code: string; readonly message: string } | null;
  };
}

/** What the handler of a function gets that its manifest binds to `events`. */
export type PlatformEvent =
  | EventOf<"deployment.ready" | "deployment.failed", { deployment_id: string; promoted: boolean }>
  | EventOf<
      "invocation.dead",
      {
        invocation_id: string;
        request_id: string;
        origin: "request" | "schedule" | "destination";
        attempt: number;
        accepted_at: string;
        status: number | null;
      }
    >;

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
