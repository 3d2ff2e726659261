import type { ResourcePage } from "./resources.ts";
import type { CallOptions } from "./transport.ts";

export interface PageOptions extends CallOptions {
  /** Items in one answer, 1 to 500; the server's default is 100. */
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

/** The page as query parameters; undefined ones are left out. */
export function pageQuery({ limit, cursor }: PageOptions): { limit?: number; cursor?: string } {
  return {
    ...(limit === undefined ? {} : { limit }),
    ...(cursor === undefined ? {} : { cursor }),
  };
}

/** Every item, page after page; the next page is asked for only when it is needed. */
export async function* eachItem<T>(
  list: (cursor: string | undefined) => Promise<ResourcePage<T>>,
): AsyncGenerator<T, void, undefined> {
  let cursor: string | undefined;
  do {
    const page = await list(cursor);
    yield* page.items;
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
}
