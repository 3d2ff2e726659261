import type { Clock } from "../base/clock.ts";
import { type FollowLogOptions, followLogs } from "./follow-logs.ts";
import { type LogOptions, logQuery } from "./log-query.ts";
import { signalOf } from "./signal-of.ts";
import type { CallOptions, Transport } from "./transport.ts";

export interface ReadLogOptions extends LogOptions {
  /** The newest `limit` lines that match, oldest first; 1 to 1000, the server's default is 100. */
  readonly limit?: number | undefined;
}

export interface InvocationListOptions extends CallOptions {
  /** Name or id. */
  readonly function?: string | undefined;
  readonly requestId?: string | undefined;
  /** The newest `limit`, newest first; 1 to 1000, the server's default is 100. */
  readonly limit?: number | undefined;
}

/** Calls about what functions left behind: logs and invocations. */
export function recordCalls(transport: Transport, clock: Pick<Clock, "sleep">) {
  const { api, take } = transport;
  return {
    readLogs: async (name: string, options: ReadLogOptions = {}) => {
      const { limit } = options;
      const call = api.GET("/api/v1/functions/{id}/logs", {
        params: {
          path: { id: name },
          query: { ...logQuery(options), ...(limit === undefined ? {} : { limit }) },
        },
        ...signalOf(options),
      });
      return (await take(call, options)).items;
    },
    followLogs: (name: string, options: FollowLogOptions = {}) =>
      followLogs(transport, clock, name, options),
    listInvocations: async (options: InvocationListOptions = {}) => {
      const { function: of, requestId, limit } = options;
      const call = api.GET("/api/v1/invocations", {
        params: {
          query: {
            ...(of === undefined ? {} : { function: of }),
            ...(requestId === undefined ? {} : { request_id: requestId }),
            ...(limit === undefined ? {} : { limit }),
          },
        },
        ...signalOf(options),
      });
      return (await take(call, options)).items;
    },
    getInvocation: (id: string, options: CallOptions = {}) =>
      take(
        api.GET("/api/v1/invocations/{id}", { params: { path: { id } }, ...signalOf(options) }),
        options,
      ),
  };
}
