import { type InvokeOptions, invoke } from "./invoke.ts";
import { pageQuery, type PageOptions } from "./paging.ts";
import { unreadResponseError } from "./response-error.ts";
import type { InvocationResource } from "./resources.ts";
import { signalOf } from "./signal-of.ts";
import type { CallOptions, Transport } from "./transport.ts";

export interface InvokeAsyncOptions extends InvokeOptions {
  /** Seconds before it may run. */
  readonly delaySecs?: number | undefined;
  /** The same key of the same caller is one invocation. */
  readonly idempotencyKey?: string | undefined;
  /** Those with the same key run one at a time, in order. */
  readonly orderingKey?: string | undefined;
}

/** An invocation that will run. */
export interface AcceptedInvocation {
  readonly id: string;
  readonly status_url: string;
}

export interface QueuedListOptions extends PageOptions {
  readonly state: InvocationResource["state"];
  /** Name or id. */
  readonly function?: string | undefined;
}

/** A request body in place of the one that a failed invocation came with. */
export type InvocationBodyInput =
  | { readonly json: unknown }
  | { readonly text: string }
  | { readonly base64: string };

/** Headers that ask for what the options say. */
function asyncHeaders(options: InvokeAsyncOptions): Record<string, string> {
  const { delaySecs, idempotencyKey, orderingKey } = options;
  return {
    Prefer: "respond-async",
    ...(delaySecs === undefined ? {} : { "X-Reactor-Delay": String(delaySecs) }),
    ...(idempotencyKey === undefined ? {} : { "Idempotency-Key": idempotencyKey }),
    ...(orderingKey === undefined ? {} : { "X-Reactor-Ordering-Key": orderingKey }),
    ...options.headers,
  };
}

/** Calls about invocations that run later. */
export function queueCalls(transport: Transport) {
  const { api, take } = transport;
  return {
    invokeAsync: async (
      name: string,
      options: InvokeAsyncOptions = {},
    ): Promise<AcceptedInvocation> => {
      const headers = asyncHeaders(options);
      const response = await invoke(transport, name, { ...options, headers });
      if (response.status !== 202) throw await unreadResponseError(response, transport.url);
      const accepted: AcceptedInvocation = await response.json();
      return accepted;
    },
    listQueuedInvocations: (options: QueuedListOptions) =>
      take(
        api.GET("/api/v1/invocations", {
          params: {
            query: {
              state: options.state,
              ...(options.function === undefined ? {} : { function: options.function }),
              ...pageQuery(options),
            },
          },
          ...signalOf(options),
        }),
        options,
      ),
    getInvocationRequest: (id: string, options: CallOptions = {}) =>
      take(
        api.GET("/api/v1/invocations/{id}/request", {
          params: { path: { id } },
          ...signalOf(options),
        }),
        options,
      ),
    editInvocation: (id: string, body: InvocationBodyInput, options: CallOptions = {}) =>
      take(
        api.PATCH("/api/v1/invocations/{id}/request", {
          params: { path: { id } },
          body,
          ...signalOf(options),
        }),
        options,
      ),
    retryInvocation: (id: string, options: CallOptions = {}) =>
      take(
        api.POST("/api/v1/invocations/{id}/retry", {
          params: { path: { id } },
          ...signalOf(options),
        }),
        options,
      ),
    retryDeadInvocations: (name: string, options: CallOptions = {}) =>
      take(
        api.POST("/api/v1/functions/{id}/retry-dead", {
          params: { path: { id: name } },
          ...signalOf(options),
        }),
        options,
      ),
  };
}
