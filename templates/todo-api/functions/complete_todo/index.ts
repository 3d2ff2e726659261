import { defineFunction } from "@reactor/functions";

export default defineFunction({
  handler: async ({ ctx }) => {
    const id = Number(ctx.params["id"]);
    if (!Number.isSafeInteger(id)) return notFound();
    const [todo] = await ctx.db.query({
      table: "todos",
      operation: "update",
      data: { done: true },
      filters: [{ column: "id", op: "eq", value: id }],
    });
    return todo ?? notFound();
  },
});

function notFound(): Response {
  return Response.json({ error: "there is no such todo" }, { status: 404 });
}
