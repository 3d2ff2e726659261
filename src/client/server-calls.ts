import { type PageOptions, pageQuery } from "./paging.ts";
import { signalOf } from "./signal-of.ts";
import type { CallOptions, Transport } from "./transport.ts";

/** Given to calls about keys. */
export interface KeyOptions extends CallOptions {
  /** Keys of every project instead of the client's own. */
  readonly allProjects?: boolean | undefined;
}

export interface CreateKeyInput {
  readonly name: string;
  /** E.g. `functions:hello:invoke`, `functions:*:*`. */
  readonly scopes: readonly string[];
  readonly expiresAt?: Date | undefined;
  /** A key for every project instead of the client's own. */
  readonly allProjects?: boolean | undefined;
}

/** Calls about keys, changes and the server itself. */
export function serverCalls({ api, take }: Transport) {
  return {
    createKey: (input: CreateKeyInput, options: CallOptions = {}) => {
      const { name, scopes, expiresAt, allProjects } = input;
      const call = api.POST("/api/v1/keys", {
        body: {
          name,
          scopes: [...scopes],
          ...(expiresAt === undefined ? {} : { expires_at: expiresAt.toISOString() }),
        },
        ...keyInit({ ...options, allProjects }),
      });
      return take(call, options);
    },
    listKeys: async (options: KeyOptions = {}) =>
      (await take(api.GET("/api/v1/keys", keyInit(options)), options)).items,
    revokeKey: (id: string, options: KeyOptions = {}) =>
      take(
        api.DELETE("/api/v1/keys/{id}", { params: { path: { id } }, ...keyInit(options) }),
        options,
      ),
    listAudit: (options: PageOptions = {}) =>
      take(
        api.GET("/api/v1/audit", {
          params: { query: pageQuery(options) },
          ...signalOf(options),
        }),
        options,
      ),
    health: (options: CallOptions = {}) =>
      take(api.GET("/api/v1/health", signalOf(options)), options),
    system: (options: CallOptions = {}) =>
      take(api.GET("/api/v1/system", signalOf(options)), options),
  };
}

function keyInit({ signal, allProjects = false }: KeyOptions): {
  signal?: AbortSignal;
  headers?: Record<string, string>;
} {
  return {
    ...signalOf({ signal }),
    ...(allProjects ? { headers: { "X-Reactor-Project": "*" } } : {}),
  };
}
