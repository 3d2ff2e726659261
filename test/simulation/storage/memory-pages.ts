import { ReactorError } from "../../../src/domain/errors.ts";
import type { Page, PageRequest } from "../../../src/store/page.ts";

const pageLimitMax = 10_000;

export function sorted<T>(items: T[], key: (item: T) => string): T[] {
  return items.sort((a, b) => (key(a) < key(b) ? -1 : Number(key(a) > key(b))));
}

export function pageOf<T>(
  items: readonly T[],
  page: PageRequest,
  cursorOf: (item: T) => string,
): Page<T> {
  const { limit } = page;
  if (!Number.isInteger(limit) || limit < 1 || limit > pageLimitMax) {
    throw new ReactorError(
      "invalid_request",
      `Cannot list with limit ${limit}: it must be a whole number from 1 to ${pageLimitMax}`,
    );
  }
  if (items.length <= limit) return { items, nextCursor: undefined };
  const kept = items.slice(0, limit);
  const last = kept.at(-1);
  return { items: kept, nextCursor: last && cursorOf(last) };
}

export function revisionCursor(cursor: string): number {
  if (/^[1-9][0-9]{0,14}$/.test(cursor)) return Number(cursor);
  throw new ReactorError("invalid_request", `Cannot list after ${cursor}`);
}
