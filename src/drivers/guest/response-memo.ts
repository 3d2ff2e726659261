/**
 * Why: reading a buffered body back out of a Response costs a promise or a stream, which is most of
 * the guest's own time per small request. So the global Response is replaced by a constructor that
 * makes ordinary Responses and notes the text on them; everything else about it is the platform's.
 */
const noted = Symbol("reactor.body");

/** What is known of a response's body: its whole text, `buffered` bytes, or nothing. */
export type NotedBody = string | typeof buffered | undefined;

/** The body is in memory already, though its text is not at hand. */
export const buffered: unique symbol = Symbol("reactor.buffered");

interface NotedResponse {
  [noted]?: NotedBody;
}

/** The platform's own constructor, for instances and `instanceof`. */
export const PlatformResponse = globalThis.Response;

const textType = "text/plain;charset=utf-8";
const jsonType = PlatformResponse.json(null).headers.get("content-type") ?? "application/json";
const textHeaders = new Headers({ "content-type": textType });
const jsonHeaders = new Headers({ "content-type": jsonType });
// Handing the same init over again is cheaper than a new object per response; the platform copies it.
const textInit: ResponseInit = { headers: textHeaders };
const jsonInit: ResponseInit = { headers: jsonHeaders };

/** What was noted on a response that this guest's constructor made. */
export function notedBody(response: Response & NotedResponse): NotedBody {
  return response[noted];
}

function noteFor(body: unknown): NotedBody {
  if (typeof body === "string") return body;
  if (body === null || body === undefined) return "";
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body)) return buffered;
  return body instanceof URLSearchParams ? buffered : undefined;
}

function construct(body: BodyInit | null | undefined, init: ResponseInit | undefined): Response {
  const note = noteFor(body);
  const isText = typeof body === "string";
  const response: Response & NotedResponse = new PlatformResponse(
    body,
    init ?? (isText ? textInit : undefined),
  );
  if (note !== undefined) response[noted] = note;
  // Not every platform names the type of a text here, though each would when it serves it.
  if (isText && init !== undefined) nameType(response, textType);
  return response;
}

function nameType(response: Response, type: string): void {
  if (!response.headers.has("content-type")) response.headers.set("content-type", type);
}

/** Some platforms name the type of any text, so the response does not tell whether the author did. */
function namesType({ headers }: ResponseInit): boolean {
  return headers !== undefined && new Headers(headers).has("content-type");
}

function json(data: unknown, init?: ResponseInit): Response {
  const text: string | undefined = JSON.stringify(data);
  if (text === undefined) throw new TypeError("Value is not JSON serializable");
  const response: Response & NotedResponse = new PlatformResponse(text, init ?? jsonInit);
  if (init !== undefined && !namesType(init)) response.headers.set("content-type", jsonType);
  response[noted] = text;
  return response;
}

/** Replaces the global Response. Subclasses, `instanceof` and static methods work as before. */
export function installResponseMemo(): void {
  const replacement = function Response(
    this: unknown,
    body?: BodyInit | null,
    init?: ResponseInit,
  ): Response {
    if (new.target === undefined) {
      throw new TypeError("Class constructor Response cannot be invoked without 'new'");
    }
    if (new.target === replacement) return construct(body, init);
    const made: unknown = Reflect.construct(PlatformResponse, [body, init], new.target);
    if (!(made instanceof PlatformResponse)) throw new TypeError("Response was not constructed");
    return made;
  };
  Object.setPrototypeOf(replacement, PlatformResponse);
  Object.defineProperties(replacement, {
    name: { value: "Response", configurable: true },
    prototype: { value: PlatformResponse.prototype, writable: false },
    json: { value: json, writable: true, configurable: true, enumerable: true },
  });
  Object.defineProperty(PlatformResponse.prototype, "constructor", {
    value: replacement,
    writable: true,
    configurable: true,
  });
  Object.defineProperty(globalThis, "Response", {
    value: replacement,
    writable: true,
    configurable: true,
  });
}
