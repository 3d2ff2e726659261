import { defineFunction } from "@reactor/functions";

interface Todo {
  readonly id: number;
  readonly title: string;
  readonly done: boolean;
}

type Input =
  | { readonly action: "create"; readonly title: string }
  | { readonly action: "complete"; readonly id: number }
  | { readonly action: "list"; readonly done?: boolean };

/** Kept in the memory of the one instance that the manifest allows: gone when it leaves or is replaced. */
const todos = new Map<number, Todo>();
let lastId = 0;

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
  handler({ input, ctx }) {
    const asked = input as Input;
    if (asked.action === "create") {
      const todo = { id: ++lastId, title: asked.title, done: false };
      todos.set(todo.id, todo);
      ctx.log("created", { id: todo.id });
      return todo;
    }
    if (asked.action === "list") {
      return [...todos.values()].filter(({ done }) => done === (asked.done ?? done));
    }
    const todo = todos.get(asked.id);
    if (todo === undefined) return Response.json({ error: "No such todo" }, { status: 404 });
    const completed = { ...todo, done: true };
    todos.set(completed.id, completed);
    return completed;
  },
});
