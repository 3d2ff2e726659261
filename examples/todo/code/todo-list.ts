import type { FunctionDatabase } from "@reactor/functions";

export interface Todo {
  readonly id: number;
  readonly title: string;
  readonly done: boolean;
}

/** Where the todos are kept. */
export interface TodoList {
  create(title: string): Promise<Todo>;
  /** Undefined: there is no such todo. */
  complete(id: number): Promise<Todo | undefined>;
  list(done: boolean | undefined): Promise<readonly Todo[]>;
}

const table = "todos";
const columns = ["id", "title", "done"];

/** Whether the server has a database for the project; makes the table there. */
export async function makeTable(db: FunctionDatabase): Promise<boolean> {
  try {
    await db.sql(
      "create table if not exists todos (id bigint generated always as identity primary key, title text not null, done boolean not null default false)",
    );
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "database_unavailable") {
      return false;
    }
    throw error;
  }
}

export function inDatabase(db: FunctionDatabase): TodoList {
  return {
    async create(title) {
      const query = { table, columns, operation: "insert", data: { title } } as const;
      const [todo] = await db.query<Todo>(query);
      if (todo === undefined) throw new Error("The row that was inserted did not come back");
      return todo;
    },
    async complete(id) {
      const filters = [{ column: "id", op: "eq", value: id }] as const;
      const query = { table, columns, operation: "update", data: { done: true }, filters } as const;
      const [todo] = await db.query<Todo>(query);
      return todo;
    },
    list(done) {
      const filters =
        done === undefined ? [] : [{ column: "done", op: "eq", value: done } as const];
      return db.query<Todo>({ table, columns, operation: "select", filters, order_by: "id" });
    },
  };
}

/** Gone when the instance leaves; the manifest allows one only, so that all calls see one list. */
export function inMemory(): TodoList {
  const todos = new Map<number, Todo>();
  return {
    async create(title) {
      const todo = { id: todos.size + 1, title, done: false };
      todos.set(todo.id, todo);
      return todo;
    },
    async complete(id) {
      const todo = todos.get(id);
      if (todo !== undefined) todos.set(id, { ...todo, done: true });
      return todos.get(id);
    },
    async list(done) {
      return [...todos.values()].filter((todo) => todo.done === (done ?? todo.done));
    },
  };
}
