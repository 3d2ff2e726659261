import type { RequestHead } from "../../wire/heads.ts";

/** Who knows when the request is over. */
export interface SignalSource {
  /** Made when first read. */
  readonly signal: AbortSignal;
}

type Body = Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | undefined;

type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

/** The platform's own constructor, for `instanceof`. */
const PlatformRequest = globalThis.Request;

/**
 * The Request that a handler sees: the platform's own, whose headers are filled in and whose signal
 * is made when they are first read, since together they cost as much as everything else the guest
 * does for a small request. `fetch(request)` and `new Request(request)` read a subclass by its
 * getters; native code that looks past them (`clone`, `server.fetch`) needs `complete` first.
 */
class HandedRequest extends PlatformRequest {
  #fields: RequestHead | undefined;
  readonly #source: SignalSource;

  constructor(head: RequestHead, init: RequestInit | undefined, source: SignalSource) {
    super(head.url, init);
    this.#fields = head;
    this.#source = source;
  }

  /** Repeated headers are joined as HTTP says. */
  override get headers(): Headers {
    const headers = super.headers;
    if (this.#fields === undefined) return headers;
    const flat = this.#fields.headers;
    this.#fields = undefined;
    for (let i = 0; i + 1 < flat.length; i += 2) {
      headers.append(flat[i] as string, flat[i + 1] as string);
    }
    return headers;
  }

  override get signal(): AbortSignal {
    return this.#source.signal;
  }

  override clone(): Request {
    complete(this);
    const { method } = this;
    const copy = new PlatformRequest(super.clone(), { signal: this.signal });
    return named(copy, method);
  }

  override formData(): ReturnType<Request["formData"]> {
    complete(this);
    return super.formData();
  }

  override blob(): Promise<Blob> {
    complete(this);
    return super.blob();
  }
}

/** Makes the Request that the handler sees. */
export function createWebRequest(head: RequestHead, body: Body, source: SignalSource): Request {
  const { method } = head;
  const request = new HandedRequest(head, initOf(method, body), source);
  return named(request, method);
}

function initOf(method: string, body: Body): RequestInit | undefined {
  if (body === undefined) return method === "GET" ? undefined : { method };
  if (!(body instanceof ReadableStream)) return { method, body };
  const init: RequestInit & { duplex: "half" } = { method, body, duplex: "half" };
  return init;
}

/** Bun's Request turns methods that it does not know, such as REPORT, into GET. */
function named(request: Request, method: string): Request {
  if (request.method !== method) Object.defineProperty(request, "method", { value: method });
  return request;
}

/** The init with which a copy of `input` gets everything that a handed request makes when it is read. */
function initOfCopy(input: unknown, init: RequestInit | undefined): RequestInit | undefined {
  if (!(input instanceof HandedRequest)) return init;
  complete(input);
  return init?.signal === undefined ? { ...init, signal: input.signal } : init;
}

/**
 * Makes `new Request(request)` and `fetch(request)` read all of a handed request. For platforms that
 * look at a request's inside and not at its getters.
 */
export function completeCopiedRequests(): void {
  const platformFetch: Fetch = globalThis.fetch;
  const fetch: Fetch = (input, init) => platformFetch(input, initOfCopy(input, init));
  const replacement = function Request(input: string | URL | Request, init?: RequestInit): Request {
    if (new.target === undefined) {
      throw new TypeError("Class constructor Request cannot be invoked without 'new'");
    }
    const target: unknown = new.target === replacement ? PlatformRequest : new.target;
    const args = [input, initOfCopy(input, init)];
    const made: unknown = Reflect.construct(
      PlatformRequest,
      args,
      target as typeof PlatformRequest,
    );
    if (!(made instanceof PlatformRequest)) throw new TypeError("Request was not constructed");
    return made;
  };
  Object.setPrototypeOf(replacement, PlatformRequest);
  // The names are given here, since building the guest shortens those in the code.
  Object.defineProperty(fetch, "name", { value: "fetch" });
  Object.defineProperties(replacement, {
    name: { value: "Request" },
    prototype: { value: PlatformRequest.prototype },
  });
  const property = (value: unknown) => ({ value, writable: true, configurable: true });
  Object.defineProperty(PlatformRequest.prototype, "constructor", property(replacement));
  Object.defineProperties(globalThis, { Request: property(replacement), fetch: property(fetch) });
}

/** Fills in the headers of a request that native code is about to read. */
export function complete(input: unknown): void {
  if (input instanceof HandedRequest) void input.headers;
}

// Code that asks for a request's constructor means the platform's.
Reflect.deleteProperty(HandedRequest.prototype, "constructor");
