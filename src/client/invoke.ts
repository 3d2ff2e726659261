import type { CallOptions, Transport } from "./transport.ts";

export interface InvokeOptions extends CallOptions {
  /** `POST` when there is a body, else `GET`. */
  readonly method?: string | undefined;
  /** Path (and query) below the function, e.g. `/items?x=1`. */
  readonly path?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | Uint8Array | ReadableStream<Uint8Array> | undefined;
  /** Alias or revision; `production` when absent. */
  readonly alias?: string | number | undefined;
}

/** Invokes a function over HTTP. Every answer is returned as it is; only a missing one throws. */
export function invoke(
  transport: Transport,
  name: string,
  options: InvokeOptions = {},
): Promise<Response> {
  const { body, alias, path = "" } = options;
  const project = transport.project === "default" ? "" : `${transport.project}:`;
  const suffix = alias === undefined ? "" : `@${encodeURIComponent(alias)}`;
  const target = `${project}${encodeURIComponent(name)}${suffix}`;
  const below = path === "" || path.startsWith("/") || path.startsWith("?") ? path : `/${path}`;
  const init: RequestInit & { duplex?: "half" } = {
    method: options.method ?? (body === undefined ? "GET" : "POST"),
    // The key goes in a header of its own, so that `Authorization` is the function's.
    headers: {
      ...(transport.key === undefined ? {} : { "X-Reactor-Key": transport.key }),
      ...options.headers,
    },
    body: body instanceof Uint8Array ? new Uint8Array(body) : (body ?? null),
    // A redirect is the function's answer, not ours to follow.
    redirect: "manual",
    signal: options.signal ?? null,
    ...(body instanceof ReadableStream ? { duplex: "half" as const } : {}),
  };
  return transport.send(new Request(`${transport.url}/fn/v1/${target}${below}`, init));
}
