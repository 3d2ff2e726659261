import { defineFunction } from "@reactor/functions";

export default defineFunction({
  input: {
    type: "object",
    properties: { title: { type: "string", minLength: 1, maxLength: 200 } },
    required: ["title"],
  },
  handler: async ({ input, ctx }) => {
    const { title } = input as { title: string };
    const [todo] = await ctx.db.query({ table: "todos", operation: "insert", data: { title } });
    return Response.json(todo, { status: 201 });
  },
});
