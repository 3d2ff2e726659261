import { isDraftProject } from "../domain/draft-project.ts";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { DatabaseArchives } from "./backup/database-archives.ts";
import { DatabaseError } from "./database-error.ts";
import { DatabaseSession, type QueryOwner } from "./database-session.ts";
import type { DatabaseSettings } from "./database-settings.ts";
import { dropProject } from "./postgres/drop-project.ts";
import { projectLogin } from "./postgres/provision-project.ts";
import { type AdminTarget, ProjectDatabase } from "./project-database.ts";

export interface FunctionDatabasesOptions {
  readonly admin: AdminTarget;
  /** Whether any database was ever made; asked before a server is started for its removal. */
  readonly isMade: () => boolean;
  /** Absent: backing them up is the business of whoever runs the server. */
  readonly archives?: DatabaseArchives;
  readonly settings: DatabaseSettings;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** The databases of all projects; each is made when it is first used. */
export interface FunctionDatabases {
  /** Undefined: they are on a server that is not Reactor's. */
  readonly archives: DatabaseArchives | undefined;
  /** Opens the queries of one instance. */
  open(options: {
    readonly projectId: string;
    readonly log: (level: "warn", message: string, owner: QueryOwner) => void;
  }): DatabaseSession;
  /** Of one project. */
  of(projectId: string): ProjectDatabase;
  /** Drops what a removed project has; it gets no database any more. */
  remove(projectId: string): Promise<void>;
  /** Ends every session. */
  close(): Promise<void>;
}

export function createFunctionDatabases(options: FunctionDatabasesOptions): FunctionDatabases {
  const projects = new Map<string, ProjectDatabase>();
  const removed = new Set<string>();
  const of = (projectId: string): ProjectDatabase => {
    if (isDraftProject(projectId)) {
      throw new DatabaseError(
        "database_unavailable",
        "A draft of the playground has no database: deploy the function to use ctx.db",
      );
    }
    if (removed.has(projectId)) {
      throw new DatabaseError("database_unavailable", "The project was removed, with its database");
    }
    const known = projects.get(projectId);
    if (known !== undefined) return known;
    const database = new ProjectDatabase({ ...options, projectId });
    projects.set(projectId, database);
    return database;
  };
  return {
    archives: options.archives,
    of,
    open: ({ projectId, log }) =>
      new DatabaseSession({ ...options, log, database: () => of(projectId) }),
    async remove(projectId) {
      removed.add(projectId);
      await projects.get(projectId)?.close();
      if (options.isMade()) await dropProject(await options.admin(), projectLogin(projectId));
    },
    async close() {
      await Promise.all([...projects.values()].map((database) => database.close()));
    },
  };
}
