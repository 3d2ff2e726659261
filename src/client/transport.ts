import createFetchClient, { type Client } from "openapi-fetch";
import type { paths } from "./api.ts";
import { ClientError } from "./client-error.ts";
import { responseError } from "./response-error.ts";
import { unreachable } from "./unreachable.ts";

export interface TransportOptions {
  readonly url: string;
  readonly key: string | undefined;
  readonly project: string;
  readonly fetch: (request: Request) => Promise<Response>;
}

/** Given to every call. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** What openapi-fetch resolves with. */
interface Outcome<T> {
  readonly data?: T | undefined;
  readonly error?: unknown;
  readonly response: Response;
}

/** How every call of the client reaches the server. */
export interface Transport {
  readonly url: string;
  readonly project: string;
  readonly key: string | undefined;
  /** The typed admin API. */
  readonly api: Client<paths, "application/json">;
  /** The resource of a call made with `api`, or ClientError. */
  readonly take: <T>(call: Promise<Outcome<T>>, options?: CallOptions) => Promise<T>;
  /** Sends any request. Rejects with ClientError `unreachable`, or the reason of an aborted signal. */
  send(request: Request): Promise<Response>;
  /** Headers of an admin request that `api` does not make. */
  headers(more?: Readonly<Record<string, string>>): Record<string, string>;
}

export function createTransport(options: TransportOptions): Transport {
  const { key, project, fetch } = options;
  const url = options.url.replace(/\/+$/, "");
  const headers: Transport["headers"] = (more) => ({
    ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }),
    ...(project === "default" ? {} : { "X-Reactor-Project": project }),
    ...more,
  });
  const send: Transport["send"] = async (request) => {
    try {
      return await fetch(request);
    } catch (cause) {
      if (request.signal.aborted) throw request.signal.reason;
      throw unreachable(url, cause);
    }
  };
  return {
    url,
    project,
    key,
    api: createFetchClient<paths, "application/json">({
      baseUrl: url,
      fetch: send,
      headers: headers(),
    }),
    send,
    headers,
    async take(call, { signal } = {}) {
      let outcome: Awaited<typeof call>;
      try {
        outcome = await call;
      } catch (cause) {
        if (cause instanceof ClientError) throw cause;
        if (signal?.aborted) throw signal.reason;
        if (cause instanceof SyntaxError) throw notReactor(url, cause);
        throw unreachable(url, cause);
      }
      const { data, error, response } = outcome;
      if (!response.ok) throw responseError(error, response, url);
      if (data === undefined) throw notReactor(url, new Error("The answer is empty"));
      return data;
    },
  };
}

function notReactor(url: string, cause: unknown): ClientError {
  return new ClientError(
    "unexpected_response",
    `The answer from ${url} is not JSON as Reactor sends it; is this the URL of a Reactor server?`,
    { cause },
  );
}
