import type { OptionSpec } from "./command.ts";

/** Options of every list that comes in pages. */
export const pageOptions = {
  limit: { value: "count", summary: "Items at most", integer: { min: 1, max: 500 } },
  cursor: { value: "cursor", summary: "Where the previous page ended" },
} as const satisfies Record<string, OptionSpec>;

/** The line below a page that is not the last. */
export function moreLine(nextCursor: string | null, command: string): string {
  return nextCursor === null ? "" : `\nMore: ${command} --cursor ${nextCursor}`;
}
