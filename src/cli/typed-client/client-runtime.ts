/** The part of every generated client that does not depend on the functions. */
export const clientRuntime = `export interface Violation {
  /** JSON pointer of the value; empty for the whole. */
  readonly path: string;
  readonly message: string;
}

/** An answer that is not a success. */
export class FunctionError extends Error {
  /** Reactor's error code, or "function_answer" when the function itself chose the status. */
  readonly code: ErrorCode;
  readonly status: number;
  readonly requestId: string | undefined;
  /** Of Reactor's errors; "violations" comes with "input_validation_error". */
  readonly details: {
    readonly violations?: readonly Violation[];
    readonly [name: string]: unknown;
  };
  /** The answer's body: JSON when it is, else text. */
  readonly body: unknown;

  constructor(response: Response, body: unknown) {
    const envelope = memberOf(body, "error");
    const code = memberOf(envelope, "code");
    const message = memberOf(envelope, "message");
    const isEnvelope = typeof code === "string" && typeof message === "string";
    super(isEnvelope ? message : "The function answered with status " + response.status);
    this.name = "FunctionError";
    this.code = (isEnvelope ? code : "function_answer") as ErrorCode;
    this.status = response.status;
    this.requestId = response.headers.get("x-request-id") ?? undefined;
    const details = memberOf(envelope, "details");
    this.details = typeof details === "object" && details !== null ? { ...details } : {};
    this.body = body;
  }
}

export interface ClientOptions {
  /** Where the server is: "https://functions.example.com". */
  readonly url: string;
  /** An API key or a token; absent for public functions. */
  readonly key?: string | undefined;
  /** Used in place of the global fetch. */
  readonly fetch?: ((url: string, init: RequestInit) => Promise<Response>) | undefined;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Throws FunctionError for every status that is not 2xx, and what fetch throws. */
export function createClient(options: ClientOptions): Client {
  const base = options.url.replace(/\\/+$/, "");
  const send = options.fetch ?? ((url: string, init: RequestInit) => fetch(url, init));
  const call = async (path: string, input: unknown, given: CallOptions): Promise<unknown> => {
    const headers: Record<string, string> = { accept: "application/json", ...given.headers };
    if (options.key !== undefined) headers["authorization"] = "Bearer " + options.key;
    const init: RequestInit = { method: "POST", headers };
    if (input !== undefined) {
      headers["content-type"] = "application/json";
      init.body = JSON.stringify(input);
    }
    if (given.signal !== undefined) init.signal = given.signal;
    const response = await send(base + path, init);
    const body = await readBody(response);
    if (!response.ok) throw new FunctionError(response, body);
    return body;
  };
  const methods = Object.entries(paths).map(([name, path]) => [
    name,
    (input?: unknown, given: CallOptions = {}) => call(path, input, given),
  ]);
  return Object.fromEntries(methods) as Client;
}

async function readBody(response: Response): Promise<unknown> {
  const text = await response.text();
  if (text === "") return undefined;
  const type = response.headers.get("content-type") ?? "";
  return /^application\\/(?:[^;]*\\+)?json\\b/i.test(type) ? parseJson(text, response.ok) : text;
}

function parseJson(text: string, mustParse: boolean): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (mustParse) throw error;
    return text;
  }
}

function memberOf(holder: unknown, name: string): unknown {
  if (typeof holder !== "object" || holder === null) return undefined;
  return (holder as Readonly<Record<string, unknown>>)[name];
}
`;
