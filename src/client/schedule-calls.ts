import { signalOf } from "./signal-of.ts";
import type { CallOptions, Transport } from "./transport.ts";

export interface ScheduleListOptions extends CallOptions {
  /** Name or id. */
  readonly function?: string | undefined;
}

export interface RunScheduleOptions extends CallOptions {
  /** The n-th schedule of the manifest, from 0; all when absent. */
  readonly index?: number | undefined;
}

/** Calls about what runs by itself. */
export function scheduleCalls({ api, take }: Transport) {
  return {
    listSchedules: async (options: ScheduleListOptions = {}) => {
      const query = options.function === undefined ? {} : { function: options.function };
      const call = api.GET("/api/v1/schedules", { params: { query }, ...signalOf(options) });
      return (await take(call, options)).items;
    },
    runSchedules: async (name: string, options: RunScheduleOptions = {}) => {
      const call = api.POST("/api/v1/functions/{id}/run-schedules", {
        params: { path: { id: name } },
        body: options.index === undefined ? {} : { index: options.index },
        ...signalOf(options),
      });
      return (await take(call, options)).items;
    },
  };
}
