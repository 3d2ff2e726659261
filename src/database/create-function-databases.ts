import { isDraftProject } from "../domain/draft-project.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import { DatabaseError } from "./database-error.ts";
import { DatabaseSession, type QueryOwner } from "./database-session.ts";
import type { DatabaseSettings } from "./database-settings.ts";
import { type AdminTarget, ProjectDatabase } from "./project-database.ts";

export interface FunctionDatabasesOptions {
  readonly admin: AdminTarget;
  readonly settings: DatabaseSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** The databases of all projects; each is made when it is first used. */
export interface FunctionDatabases {
  /** Opens the queries of one instance. */
  open(options: {
    readonly projectId: string;
    readonly log: (level: "warn", message: string, owner: QueryOwner) => void;
  }): DatabaseSession;
  /** Of one project. */
  of(projectId: string): ProjectDatabase;
  /** Ends every session. */
  close(): Promise<void>;
}

export function createFunctionDatabases(options: FunctionDatabasesOptions): FunctionDatabases {
  const projects = new Map<string, ProjectDatabase>();
  const of = (projectId: string): ProjectDatabase => {
    if (isDraftProject(projectId)) {
      throw new DatabaseError(
        "database_unavailable",
        "A draft of the playground has no database: deploy the function to use ctx.db",
      );
    }
    const known = projects.get(projectId);
    if (known !== undefined) return known;
    const database = new ProjectDatabase({ ...options, projectId });
    projects.set(projectId, database);
    return database;
  };
  return {
    of,
    open: ({ projectId, log }) =>
      new DatabaseSession({ ...options, log, database: () => of(projectId) }),
    async close() {
      await Promise.all([...projects.values()].map((database) => database.close()));
    },
  };
}
