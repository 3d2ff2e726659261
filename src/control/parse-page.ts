import { ReactorError } from "../domain/errors.ts";
import type { PageRequest } from "../store/page.ts";

const limitMax = 1000;

/** The page request after checking its limit (1–1000) and the cursor's form; `invalid_request`. */
export function parsePage(
  { limit, cursor }: PageRequest,
  cursorFits: (cursor: string) => boolean,
): PageRequest {
  parseLimit(limit, limitMax);
  if (cursor !== undefined && !cursorFits(cursor)) {
    throw new ReactorError(
      "invalid_request",
      `Cannot list after the cursor ${JSON.stringify(cursor.slice(0, 80))}: it must be the one that the page before gave`,
      { details: { cursor: cursor.slice(0, 80) } },
    );
  }
  return { limit, cursor };
}

/** The limit when it is a whole number from 1 to `max`; `invalid_request` otherwise. */
export function parseLimit(limit: number, max: number): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= max) return limit;
  throw new ReactorError(
    "invalid_request",
    `Cannot list ${limit} items: limit must be a whole number between 1 and ${max}`,
    { details: { limit } },
  );
}
