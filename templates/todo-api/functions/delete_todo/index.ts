import { defineFunction } from "@reactor/functions";

export default defineFunction({
  handler: async ({ ctx }) => {
    const id = Number(ctx.params["id"]);
    const rows = Number.isSafeInteger(id)
      ? await ctx.db.query({
          table: "todos",
          operation: "delete",
          filters: [{ column: "id", op: "eq", value: id }],
        })
      : [];
    return rows.length > 0
      ? new Response(null, { status: 204 })
      : Response.json({ error: "there is no such todo" }, { status: 404 });
  },
});
