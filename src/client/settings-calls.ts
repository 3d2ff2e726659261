import { signalOf } from "./signal-of.ts";
import type { CallOptions, Transport } from "./transport.ts";

/** One weighted target of an alias. */
export interface AliasTargetInput {
  readonly revision: number;
  readonly weight: number;
}

export interface SetEnvInput {
  readonly key: string;
  readonly value: string;
  readonly secret: boolean;
}

/** Calls about a function's aliases, env and secrets. */
export function settingsCalls(transport: Transport) {
  return { ...aliasCalls(transport), ...envCalls(transport), ...projectEnvCalls(transport) };
}

function aliasCalls({ api, take }: Transport) {
  return {
    listAliases: async (name: string, options: CallOptions = {}) => {
      const call = api.GET("/api/v1/functions/{id}/aliases", {
        params: { path: { id: name } },
        ...signalOf(options),
      });
      return (await take(call, options)).items;
    },
    setAlias: (
      name: string,
      alias: string,
      targets: readonly AliasTargetInput[],
      options: CallOptions = {},
    ) =>
      take(
        api.PUT("/api/v1/functions/{id}/aliases/{alias}", {
          params: { path: { id: name, alias } },
          body: { targets: targets.map(({ revision, weight }) => ({ revision, weight })) },
          ...signalOf(options),
        }),
        options,
      ),
    deleteAlias: (name: string, alias: string, options: CallOptions = {}) =>
      take(
        api.DELETE("/api/v1/functions/{id}/aliases/{alias}", {
          params: { path: { id: name, alias } },
          ...signalOf(options),
        }),
        options,
      ),
  };
}

function envCalls({ api, take }: Transport) {
  return {
    listEnv: async (name: string, options: CallOptions = {}) => {
      const call = api.GET("/api/v1/functions/{id}/env", {
        params: { path: { id: name } },
        ...signalOf(options),
      });
      return (await take(call, options)).items;
    },
    setEnv: (name: string, { key, value, secret }: SetEnvInput, options: CallOptions = {}) =>
      take(
        api.PUT("/api/v1/functions/{id}/env/{key}", {
          params: { path: { id: name, key } },
          body: { value, secret },
          ...signalOf(options),
        }),
        options,
      ),
    unsetEnv: (name: string, key: string, options: CallOptions = {}) =>
      take(
        api.DELETE("/api/v1/functions/{id}/env/{key}", {
          params: { path: { id: name, key } },
          ...signalOf(options),
        }),
        options,
      ),
  };
}

function projectEnvCalls({ api, take }: Transport) {
  return {
    listProjectEnv: async (options: CallOptions = {}) =>
      (await take(api.GET("/api/v1/env", { ...signalOf(options) }), options)).items,
    setProjectEnv: ({ key, value, secret }: SetEnvInput, options: CallOptions = {}) =>
      take(
        api.PUT("/api/v1/env/{key}", {
          params: { path: { key } },
          body: { value, secret },
          ...signalOf(options),
        }),
        options,
      ),
    unsetProjectEnv: (key: string, options: CallOptions = {}) =>
      take(
        api.DELETE("/api/v1/env/{key}", { params: { path: { key } }, ...signalOf(options) }),
        options,
      ),
  };
}
