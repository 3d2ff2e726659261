import type { LogLevel } from "../base/log.ts";
import type { CallOptions } from "./transport.ts";

export interface LogOptions extends CallOptions {
  readonly levels?: readonly LogLevel[] | undefined;
  readonly requestId?: string | undefined;
  /** Only lines after this sequence number. */
  readonly after?: number | undefined;
  readonly since?: Date | undefined;
}

/** The filter as query parameters; undefined ones are left out. */
export function logQuery({ levels, requestId, after, since }: LogOptions): {
  level?: string;
  request_id?: string;
  after?: number;
  since?: string;
} {
  return {
    ...(levels && levels.length > 0 ? { level: levels.join(",") } : {}),
    ...(requestId === undefined ? {} : { request_id: requestId }),
    ...(after === undefined ? {} : { after }),
    ...(since === undefined ? {} : { since: since.toISOString() }),
  };
}
