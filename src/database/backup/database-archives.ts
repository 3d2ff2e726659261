import type { ManagedPostgres } from "../postgres/managed-postgres.ts";
import { projectLogin, withClient } from "../postgres/provision-project.ts";

/** Archives of the projects' databases, for backups. */
export interface DatabaseArchives {
  /** Major version of the PostgreSQL that keeps them; undefined when none was ever made. */
  readonly major: number | undefined;
  /**
   * Writes one consistent state of the project's database to a new file, in the custom format of
   * `pg_dump`; false when it has none.
   */
  dump(options: {
    readonly projectId: string;
    readonly file: string;
    readonly signal: AbortSignal;
  }): Promise<boolean>;
}

/** A function's transaction that locks a table for longer fails the archive. */
const lockWaitTimeoutMs = 60_000;

/** What belongs to whom is made anew where it is restored. */
const plainArgs = ["--format=custom", "--no-owner", "--no-acl"];

/** Archives of the databases of the PostgreSQL that Reactor runs. */
export function databaseArchives(postgres: ManagedPostgres): DatabaseArchives {
  return {
    get major() {
      return postgres.major;
    },
    async dump({ projectId, file, signal }) {
      if (postgres.major === undefined) return false;
      const database = projectLogin(projectId);
      const target = { ...(await postgres.ensure()), database };
      if (!(await isThere(postgres, database))) return false;
      const lockWait = `--lock-wait-timeout=${lockWaitTimeoutMs}`;
      const args = [...plainArgs, lockWait, `--file=${file}`];
      await postgres.run({ name: "pg_dump", target, args, signal });
      return true;
    },
  };
}

async function isThere(postgres: ManagedPostgres, database: string): Promise<boolean> {
  return withClient(await postgres.ensure(), async (client) => {
    // A login's name is letters, digits and underscores.
    const found = await client.query(`SELECT 1 FROM pg_database WHERE datname = '${database}'`);
    return typeof found === "object" && found !== null && Reflect.get(found, "rowCount") === 1;
  });
}
