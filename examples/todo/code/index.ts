import { defineFunction } from "@reactor/functions";
import { inDatabase, inMemory, makeTable } from "./todo-list.ts";

type Input =
  | { readonly action: "create"; readonly title: string }
  | { readonly action: "complete"; readonly id: number }
  | { readonly action: "list"; readonly done?: boolean };

/** Where the server has no database. */
const remembered = inMemory();
let hasTable: Promise<boolean> | undefined;

function withAction(action: string, properties: object, required: readonly string[]): object {
  return {
    type: "object",
    properties: { action: { const: action }, ...properties },
    required: ["action", ...required],
    additionalProperties: false,
  };
}

export default defineFunction({
  name: "todo",
  description: "A list of things to do: create, complete, list.",
  input: {
    anyOf: [
      withAction("create", { title: { type: "string", minLength: 1, maxLength: 200 } }, ["title"]),
      withAction("complete", { id: { type: "integer" } }, ["id"]),
      withAction("list", { done: { type: "boolean" } }, []),
    ],
  },
  async handler({ input, ctx }) {
    const asked = input as Input;
    hasTable ??= makeTable(ctx.db);
    const isKept = await hasTable.catch((error: unknown) => {
      // The next call tries again.
      hasTable = undefined;
      throw error;
    });
    const todos = isKept ? inDatabase(ctx.db) : remembered;
    if (asked.action === "create") {
      const todo = await todos.create(asked.title);
      ctx.log("created", { id: todo.id });
      return todo;
    }
    if (asked.action === "list") return todos.list(asked.done);
    const completed = await todos.complete(asked.id);
    return completed ?? Response.json({ error: "No such todo" }, { status: 404 });
  },
});
