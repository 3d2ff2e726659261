import { DatabaseError, type DatabaseErrorCode } from "../../database/database-error.ts";
import { applyMigrations, listMigrations } from "../../database/migrations/apply-migrations.ts";
import { runOperatorQuery } from "../../database/operator-query.ts";
import type { ProjectDatabase } from "../../database/project-database.ts";
import { type ErrorCode, ReactorError } from "../../domain/errors.ts";
import type { CommandContext, CommandTable } from "../command.ts";

/** What a failure of the database is called to whoever asks the admin API. */
const codes: Readonly<Record<DatabaseErrorCode, ErrorCode>> = {
  invalid_request: "invalid_request",
  query_failed: "invalid_request",
  query_timeout: "invalid_request",
  result_too_large: "invalid_request",
  transaction_ended: "conflict",
  migration_conflict: "conflict",
  too_many_requests: "too_many_requests",
  database_unavailable: "storage_unavailable",
};

type DatabaseCommands =
  | "database.migrations"
  | "database.migrate"
  | "database.query"
  | "database.write";

export const databaseCommands: CommandTable<DatabaseCommands> = {
  "database.migrations": {
    access: ({ project }) => ({ project, scopes: ["database:read", "database:write"] }),
    run: (context, { project }) => inDatabase(context, project, listMigrations),
  },
  "database.migrate": {
    access: ({ project }) => ({ project, scopes: ["database:write"] }),
    subject: ({ project }) => `${project}:database`,
    async run(context, { project, files }) {
      const output = await inDatabase(context, project, (database) =>
        applyMigrations(database, files),
      );
      return context.change(async () => ({
        output,
        details: { applied: output.applied },
        touched: [],
      }));
    },
  },
  "database.query": {
    access: ({ project }) => ({ project, scopes: ["database:read", "database:write"] }),
    run: (context, { project, sql, params, signal }) =>
      inDatabase(context, project, (database) =>
        runOperatorQuery(database, { sql, params, write: false }, signal),
      ),
  },
  "database.write": {
    access: ({ project }) => ({ project, scopes: ["database:write"] }),
    subject: ({ project }) => `${project}:database`,
    async run(context, { project, sql, params, signal }) {
      const output = await inDatabase(context, project, (database) =>
        runOperatorQuery(database, { sql, params, write: true }, signal),
      );
      // The statement is not kept: its text may hold what its author would keep secret.
      const statement = /^\s*([a-z]+)/i.exec(sql)?.[1]?.toUpperCase() ?? "";
      return context.change(async () => ({
        output,
        details: { statement, rows: output.count },
        touched: [],
      }));
    },
  },
};

async function inDatabase<T>(
  context: CommandContext,
  name: string,
  work: (database: ProjectDatabase) => Promise<T>,
): Promise<T> {
  const project = await context.project(name);
  const { databases } = context;
  if (databases === undefined) {
    throw new ReactorError("storage_unavailable", "This server has no function database");
  }
  try {
    return await work(databases.of(project.id));
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    const details = { database_code: error.code, ...error.facts };
    throw new ReactorError(codes[error.code], error.message, { details, cause: error });
  }
}
