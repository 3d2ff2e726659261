import { defineFunction } from "@reactor/functions";

/** All todos, or with `?done=true` or `false` only those. */
export default defineFunction({
  handler: async ({ input, ctx }) => {
    const { done } = input as { done?: string };
    return ctx.db.query({
      table: "todos",
      operation: "select",
      filters: done === undefined ? [] : [{ column: "done", op: "eq", value: done === "true" }],
      order_by: { column: "id", direction: "asc" },
    });
  },
});
