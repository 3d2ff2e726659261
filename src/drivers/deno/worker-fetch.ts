import { deno, type DenoHttpClientOptions } from "./deno-api.ts";

export interface WorkerProxy {
  readonly port: number;
  readonly password: string;
}

/** User of the proxy; the password alone counts. */
export const proxyUser = "worker";

type FetchInit = RequestInit & { readonly client?: object };

/**
 * Makes `fetch`, `WebSocket` and HTTP clients of a worker's own go through its own proxy: the
 * proxy variables are the whole process's, so they cannot tell one worker from another.
 */
export function routeFetchThroughEgress(proxy: WorkerProxy): void {
  const createHttpClient = deno.createHttpClient.bind(deno);
  const route: DenoHttpClientOptions = {
    proxy: {
      url: `http://127.0.0.1:${proxy.port}`,
      basicAuth: { username: proxyUser, password: proxy.password },
    },
  };
  const routed = (options: DenoHttpClientOptions = {}): object =>
    createHttpClient({ ...options, ...route });
  const client = routed();
  Object.assign(deno, { createHttpClient: routed });
  routeFetch(client);
  routeWebSockets(client);
  refuseEventSource();
}

function routeFetch(client: object): void {
  const platformFetch = globalThis.fetch;
  const fetch = (input: string | URL | Request, init?: FetchInit): Promise<Response> =>
    platformFetch(input, { client, ...init });
  Object.assign(globalThis, { fetch });
}

type SocketOptions = string | readonly string[] | Readonly<Record<string, unknown>>;

function routeWebSockets(client: object): void {
  const WebSocket = new Proxy(globalThis.WebSocket, {
    construct(target, [url, options]: [unknown, SocketOptions?], newTarget) {
      return Reflect.construct(target, [url, { client, ...socketOptions(options) }], newTarget);
    },
  });
  Object.assign(globalThis, { WebSocket });
}

function socketOptions(options: SocketOptions | undefined): Readonly<Record<string, unknown>> {
  if (typeof options === "string") return { protocols: [options] };
  if (options === undefined || !Array.isArray(options)) return { ...(options as object) };
  return { protocols: options };
}

/** Deno's EventSource takes no client, so it would find no way out. */
function refuseEventSource(): void {
  function EventSource(): never {
    throw new TypeError(
      'Cannot open an EventSource in a worker: read the stream with fetch(), or use isolation "process"',
    );
  }
  Object.assign(globalThis, { EventSource });
}
