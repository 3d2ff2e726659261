import { parseJsonText, queryObject } from "./json-text.ts";
import { PlatformResponse } from "./response-memo.ts";

/** `handler(event, context)`. */
type EventHandler = (event: unknown, context: object) => unknown;

const jsonType = "application/json";
const textType = "text/plain;charset=utf-8";
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Makes an event handler answer requests: its argument is the body, its result the response. */
export function adaptEventHandler(
  handler: EventHandler,
): (request: Request, ctx: object) => Promise<Response> {
  return async (request, ctx) => {
    const event = await eventOf(request);
    return responseOf(await handler(event, ctx));
  };
}

/** The parsed JSON body; when the body is not JSON, an object that describes the request. */
async function eventOf(request: Request): Promise<unknown> {
  const bytes = new Uint8Array(await request.arrayBuffer());
  const text = textOf(bytes);
  if (text !== undefined && /^\s*[^\s]/.test(text) && mayBeJson(request, text)) {
    const parsed = parseJsonText(text);
    if (parsed.ok) return parsed.value;
  }
  const { url } = request;
  return {
    method: request.method,
    url,
    path: new URL(url).pathname,
    query: queryObject(url),
    headers: Object.fromEntries(request.headers),
    body: text ?? Buffer.from(bytes).toString("base64"),
    isBase64Encoded: text === undefined,
  };
}

/** Without a type that says so, only an object or array is taken for JSON: "123" may be plain text. */
function mayBeJson(request: Request, text: string): boolean {
  const type = request.headers.get("content-type") ?? "";
  return /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type) || /^\s*[{[]/.test(text);
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    // Not UTF-8: the event carries it in base64.
    return undefined;
  }
}

function responseOf(result: unknown): Response {
  if (result instanceof PlatformResponse) return result;
  if (result === undefined) return new Response(null, { status: 204 });
  return isHttpResult(result) ? httpResponse(result) : jsonResponse(result);
}

interface HttpResult {
  readonly statusCode?: unknown;
  readonly status?: unknown;
  readonly headers?: unknown;
  readonly body?: unknown;
  readonly isBase64Encoded?: unknown;
}

/** A number as status alone is data, `{ status: 1 }`; with a body or headers it is a response. */
function isHttpResult(result: unknown): result is HttpResult {
  if (typeof result !== "object" || result === null || Array.isArray(result)) return false;
  if ("statusCode" in result) return true;
  return "status" in result && isStatus(result.status) && ("body" in result || "headers" in result);
}

function isStatus(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 200 && value <= 599;
}

function httpResponse(result: HttpResult): Response {
  const status = result.statusCode ?? result.status;
  if (!isStatus(status)) {
    throw new TypeError(
      `The handler returned the status ${JSON.stringify(status)}, must be a whole number from 200 to 599`,
    );
  }
  const headers = headersOf(result.headers);
  const { body } = result;
  if (body === undefined || body === null || [204, 205, 304].includes(status)) {
    return new Response(null, { status, headers });
  }
  if (result.isBase64Encoded === true) return new Response(decoded(body), { status, headers });
  if (body instanceof Uint8Array) return new Response(Buffer.from(body), { status, headers });
  const text = typeof body === "string" ? body : JSON.stringify(body);
  if (!headers.has("content-type")) {
    const isJson = typeof body !== "string" || parsesAsJson(body);
    headers.set("content-type", isJson ? jsonType : textType);
  }
  return new Response(text, { status, headers });
}

function headersOf(value: unknown): Headers {
  const headers = new Headers();
  if (value === undefined || value === null) return headers;
  if (typeof value !== "object" || Array.isArray(value)) {
    throw new TypeError("The handler returned headers that are no object of names and values");
  }
  const entries = value instanceof Headers ? [...value] : Object.entries(value);
  for (const [name, content] of entries) {
    for (const one of Array.isArray(content) ? content : [content])
      headers.append(name, String(one));
  }
  return headers;
}

function decoded(body: unknown): Buffer<ArrayBuffer> {
  if (typeof body !== "string" || !/^[A-Za-z0-9+/_-]*={0,2}\s*$/.test(body)) {
    throw new TypeError("The handler returned isBase64Encoded with a body that is not base64 text");
  }
  return Buffer.from(body, "base64");
}

function parsesAsJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    // Any other text keeps the type of text.
    return false;
  }
}

/** Any value as a JSON response. Throws when JSON cannot hold it. */
export function jsonResponse(value: unknown): Response {
  const text: string | undefined = JSON.stringify(value);
  if (text === undefined) {
    throw new TypeError(`The handler returned a ${typeof value}, which JSON cannot hold`);
  }
  return new Response(text, { headers: { "content-type": jsonType } });
}
