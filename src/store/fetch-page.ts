import { ReactorError } from "../domain/errors.ts";
import type { Page, PageRequest } from "./page.ts";

/** The most rows one page may ask for. */
const pageLimitMax = 10_000;

/** One more than the page holds, to know whether another follows. */
export function rowsToFetch({ limit }: PageRequest): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= pageLimitMax) return limit + 1;
  throw new ReactorError(
    "invalid_request",
    `Cannot list with limit ${limit}: it must be a whole number from 1 to ${pageLimitMax}`,
  );
}

/** The page, and where the next one begins. */
export function pageOf<T>(
  items: readonly T[],
  page: PageRequest,
  cursorOf: (item: T) => string,
): Page<T> {
  if (items.length <= page.limit) return { items, nextCursor: undefined };
  const kept = items.slice(0, page.limit);
  const last = kept.at(-1);
  return { items: kept, nextCursor: last && cursorOf(last) };
}
