import { z } from "@hono/zod-openapi";
import type { Page, PageRequest } from "../store/page.ts";

/** Query parameters of a list that pages by cursor. */
export const pageShape = {
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(500)
    .optional()
    .describe("Items in one answer; 100 when absent."),
  cursor: z.string().max(512).optional().describe("`next_cursor` of the page before."),
};

export function pageRequest(query: {
  limit?: number | undefined;
  cursor?: string | undefined;
}): PageRequest {
  return { limit: query.limit ?? 100, cursor: query.cursor };
}

/** The schema of one page. */
export function pageSchema<T>(item: z.ZodType<T>) {
  return z.object({
    items: z.array(item),
    next_cursor: z
      .string()
      .nullable()
      .describe("Pass as `cursor` for the next page; null on the last."),
  });
}

export function pageView<T, V>(
  page: Page<T>,
  view: (item: T) => V,
): { items: V[]; next_cursor: string | null } {
  return { items: page.items.map(view), next_cursor: page.nextCursor ?? null };
}
