import { z } from "@hono/zod-openapi";
import type { AppliedMigration } from "../../database/migrations/plan-migrations.ts";
import type { QueryResult } from "../../database/query/decode-result.ts";
import { defineOperation } from "../operation.ts";

const tag = "database";

const migrationSchema = z
  .object({
    name: z.string(),
    checksum: z.string().describe("SHA-256 of the file, in hex."),
    applied_at: z.string(),
  })
  .openapi("Migration");

function migrationView({ name, checksum, appliedAt }: AppliedMigration) {
  return { name, checksum, applied_at: appliedAt };
}

const resultSchema = z
  .object({
    columns: z.array(z.string()),
    rows: z.array(z.array(z.unknown())).describe("Cells in the order of `columns`."),
    bytes_columns: z
      .array(z.string())
      .describe("Columns whose cells are bytes in base64; all others are JSON values."),
    count: z.int().describe("Rows that were returned or changed."),
  })
  .openapi("QueryResult");

function resultView({ columns, rows, bytes, count }: QueryResult) {
  return {
    columns: [...columns],
    rows: rows.map((row) => [...row]),
    bytes_columns: bytes.map((at) => columns[at] ?? ""),
    count,
  };
}

const listMigrations = defineOperation({
  id: "listMigrations",
  method: "get",
  path: "/database/migrations",
  tag,
  summary: "Migrations of the project's database that were applied",
  output: z.object({ items: z.array(migrationSchema) }),
  outputDescription: "Oldest first.",
  async run({ services, caller, project }) {
    const items = await services.control.execute("database.migrations", { project }, caller);
    return { items: items.map(migrationView) };
  },
});

const migrateDatabase = defineOperation({
  id: "migrateDatabase",
  method: "post",
  path: "/database/migrations",
  tag,
  summary: "Apply the files of `schema/` that were not applied yet",
  description:
    "In order, each in a transaction. The first that fails ends it; those before it stay applied. 409 `conflict` when a file that was applied has changed, or a new one belongs before one that was.",
  body: z.strictObject({
    files: z
      .array(z.strictObject({ name: z.string().max(200), sql: z.string() }))
      .max(5000)
      .describe("Every file of the folder, those that were applied before as well."),
  }),
  output: z
    .object({
      applied: z.array(z.string()).describe("Names, in the order in which they were applied."),
      present: z.int().describe("How many had been applied before."),
    })
    .openapi("MigrationOutcome"),
  outputDescription: "What was done.",
  async run({ services, caller, project, body }) {
    const input = { project, files: body.files };
    const { applied, present } = await services.control.execute("database.migrate", input, caller);
    return { applied: [...applied], present };
  },
});

const queryDatabase = defineOperation({
  id: "queryDatabase",
  method: "post",
  path: "/database/query",
  tag,
  summary: "Run one statement in the project's database",
  description:
    "Under the limits of functions' queries. Without `write` it runs in a transaction that cannot write, and the scope `database:read` is enough.",
  body: z.strictObject({
    sql: z.string().describe("One statement, its values as `$1`, `$2`, …"),
    params: z.array(z.unknown()).max(65_535).optional(),
    write: z
      .boolean()
      .optional()
      .describe("Whether it may change anything; needs `database:write`."),
  }),
  output: resultSchema,
  outputDescription: "What it gave.",
  async run({ services, caller, project, body, request }) {
    const { sql, params = [], write = false } = body;
    const command = write ? "database.write" : "database.query";
    const input = { project, sql, params, signal: request.signal };
    return resultView(await services.control.execute(command, input, caller));
  },
});

export const databaseOperations = [listMigrations, migrateDatabase, queryDatabase];
