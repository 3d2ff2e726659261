import type { UsageStep } from "../domain/usage.ts";
import { type PageOptions, pageQuery } from "./paging.ts";
import { signalOf } from "./signal-of.ts";
import type { CallOptions, Transport } from "./transport.ts";

export interface UsageTimes {
  /** Invocations that came in from then on; when absent 30 days before `until`, or one by the hour. */
  readonly since?: Date | undefined;
  /** And before then; now when absent. */
  readonly until?: Date | undefined;
}

export interface FunctionUsageOptions extends UsageTimes, CallOptions {
  /** `day` when absent; hours are kept for eight days. */
  readonly step?: UsageStep | undefined;
}

export interface ProjectUsageOptions extends UsageTimes, PageOptions {}

function timesQuery({ since, until }: UsageTimes): { since?: string; until?: string } {
  return {
    ...(since === undefined ? {} : { since: since.toISOString() }),
    ...(until === undefined ? {} : { until: until.toISOString() }),
  };
}

/** Calls about what functions used. */
export function usageCalls({ api, take }: Transport) {
  return {
    getFunctionUsage: (name: string, options: FunctionUsageOptions = {}) => {
      const { step } = options;
      const query = { ...timesQuery(options), ...(step === undefined ? {} : { step }) };
      const params = { path: { id: name }, query };
      return take(
        api.GET("/api/v1/functions/{id}/usage", { params, ...signalOf(options) }),
        options,
      );
    },
    listUsage: (options: ProjectUsageOptions = {}) => {
      const params = { query: { ...timesQuery(options), ...pageQuery(options) } };
      return take(api.GET("/api/v1/usage", { params, ...signalOf(options) }), options);
    },
  };
}
