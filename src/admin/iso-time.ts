import { z } from "@hono/zod-openapi";

/** Epoch milliseconds as the API writes times: ISO 8601 in UTC. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

export function isoTimeOrNull(ms: number | undefined): string | null {
  return ms === undefined ? null : isoTime(ms);
}

/** A time in an answer. */
export const timeSchema = z.string().openapi({ format: "date-time" });

/** A time in a request: ISO 8601 with an offset or `Z`. */
export const timeInputSchema = z.iso.datetime({ offset: true });
