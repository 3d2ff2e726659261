import type { Kysely } from "kysely";
import type { Attempt } from "./attempt.ts";
import type { ProjectRemoval } from "./store.ts";
import type { Tables } from "./tables.ts";

/** What belongs to functions, in an order in which nothing refers to what is gone. */
const functionTables = [
  "schedule_ticks",
  "policies",
  "aliases",
  "promotions",
  "deployments",
] as const;

/** Removing a project: first from sight, then row by row. */
export function removalWrites(db: Kysely<Tables>, attempt: Attempt): ProjectRemoval {
  return {
    hideProject: (id, atMs) =>
      attempt(`remove project "${id}"`, async () => {
        // No name has the form of an id, so the name is free and this one is nobody's.
        await db
          .updateTable("projects")
          .set({ name: id, deleted_at_ms: atMs })
          .where("id", "=", id)
          .execute();
        await db.deleteFrom("env").where("project_id", "=", id).execute();
        await db.deleteFrom("api_keys").where("project_id", "=", id).execute();
      }),
    eraseProjectRows: (id, limit) =>
      attempt(`erase project "${id}"`, async () => {
        if ((await eraseQueued(db, id, limit)) >= limit) return false;
        return (await eraseFunctions(db, id, limit)) < limit;
      }),
    deleteProject: (id) =>
      attempt(`delete project "${id}"`, async () => {
        await db.deleteFrom("projects").where("id", "=", id).execute();
      }),
  };
}

async function eraseQueued(db: Kysely<Tables>, id: string, limit: number): Promise<number> {
  const functions = db.selectFrom("functions").select("id").where("project_id", "=", id);
  const rows = await db
    .selectFrom("queue")
    .select("id")
    .where("function_id", "in", functions)
    .limit(limit)
    .execute();
  if (rows.length === 0) return 0;
  const ids = rows.map((row) => row.id);
  await db.deleteFrom("queue_payloads").where("invocation_id", "in", ids).execute();
  await db.deleteFrom("queue").where("id", "in", ids).execute();
  return ids.length;
}

async function eraseFunctions(db: Kysely<Tables>, id: string, limit: number): Promise<number> {
  const rows = await db
    .selectFrom("functions")
    .select("id")
    .where("project_id", "=", id)
    .limit(limit)
    .execute();
  if (rows.length === 0) return 0;
  const ids = rows.map((row) => row.id);
  for (const table of functionTables) {
    await db.deleteFrom(table).where("function_id", "in", ids).execute();
  }
  await db.deleteFrom("functions").where("id", "in", ids).execute();
  return ids.length;
}
