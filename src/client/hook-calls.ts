import type { HookContext, HookPoint } from "../domain/hook.ts";
import { signalOf } from "./signal-of.ts";
import type { CallOptions, Transport } from "./transport.ts";

export interface HookListOptions extends CallOptions {
  readonly point?: HookPoint | undefined;
}

/** Calls about provisioning hooks. */
export function hookCalls({ api, take }: Transport) {
  return {
    listHooks: async (options: HookListOptions = {}) => {
      const query = options.point === undefined ? {} : { point: options.point };
      const call = api.GET("/api/v1/hooks", { params: { query }, ...signalOf(options) });
      return (await take(call, options)).items;
    },
    runHooks: async (point: string, context: HookContext, options: CallOptions = {}) => {
      const call = api.POST("/api/v1/hooks/{point}", {
        params: { path: { point } },
        body: context,
        ...signalOf(options),
      });
      return (await take(call, options)).results;
    },
  };
}
