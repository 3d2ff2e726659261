import { sha256Hex } from "../../base/digest.ts";
import { DatabaseError } from "../database-error.ts";
import { quoteName } from "../query/build-statement.ts";
import { createPgClient, type PgClient, type PgTarget } from "./pg-client.ts";

/** Connections of one login beyond those of its pool: migrations, and those that are ending. */
const spareConnections = 5;
const connectTimeoutMs = 10_000;

/**
 * The name of a project's database and of its login: one name for both, so that the server's rules
 * can let a login into its own database only.
 */
export function projectLogin(projectId: string): string {
  const readable = /^[a-z][a-z0-9_]{0,40}$/.test(projectId);
  return `reactor_${readable ? projectId : sha256Hex(projectId).slice(0, 40)}`;
}

/** Whatever in the catalogues is about more than one database. */
const sharedCatalogues = [
  "pg_database",
  "pg_db_role_setting",
  "pg_roles",
  "pg_user",
  "pg_group",
  "pg_auth_members",
  "pg_tablespace",
  "pg_shdescription",
  "pg_shdepend",
  "pg_shseclabel",
  "pg_stat_activity",
  "pg_stat_database",
  "pg_stat_database_conflicts",
  "pg_stat_ssl",
  "pg_stat_gssapi",
  "pg_stat_progress_vacuum",
  "pg_locks",
  "pg_prepared_xacts",
];
/** The functions behind those views, and what tells of other databases by their number. */
const sharedFunctions = [
  "pg_stat_get_activity(integer)",
  "pg_stat_get_backend_activity(integer)",
  "pg_stat_get_backend_idset()",
  "pg_lock_status()",
  "pg_prepared_xact()",
  "pg_tablespace_databases(oid)",
];

/**
 * Makes sure that the project has its database and its login, gives the login this password, and
 * closes to it whatever tells of others. May run again at any time, after a stop in its middle too.
 */
export async function provisionProject(options: {
  readonly admin: PgTarget;
  readonly login: string;
  readonly verifier: string;
  readonly poolSize: number;
}): Promise<void> {
  const { admin, login } = options;
  await withClient(admin, async (client) => {
    await ensureLogin(client, options);
    await ensureDatabase(client, login);
  });
  await withClient({ ...admin, database: login }, (client) => closeCatalogues(client, login));
}

async function ensureLogin(
  client: PgClient,
  { login, verifier, poolSize }: Parameters<typeof provisionProject>[0],
): Promise<void> {
  const rights = `LOGIN NOCREATEDB NOCREATEROLE NOINHERIT CONNECTION LIMIT ${poolSize + spareConnections} PASSWORD '${verifier}'`;
  // A role that nobody named is no superuser; naming it takes one.
  const verb = (await exists(client, "pg_roles", "rolname", login)) ? "ALTER" : "CREATE";
  await client.query(`${verb} ROLE ${quoteName(login)} ${rights}`);
}

async function ensureDatabase(client: PgClient, login: string): Promise<void> {
  const name = quoteName(login);
  if (!(await exists(client, "pg_database", "datname", login))) {
    await client.query(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`);
  }
  await client.query(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`);
  await client.query(`GRANT CONNECT, CREATE, TEMPORARY ON DATABASE ${name} TO ${name}`);
}

async function closeCatalogues(client: PgClient, login: string): Promise<void> {
  await client.query(`REVOKE ALL ON SCHEMA public FROM PUBLIC`);
  await client.query(`GRANT USAGE, CREATE ON SCHEMA public TO ${quoteName(login)}`);
  // Only a superuser may; a server of the operator's own may have given us less.
  if (!(await isSuperuser(client))) return;
  for (const name of sharedCatalogues) {
    await client.query(`REVOKE SELECT ON pg_catalog.${name} FROM PUBLIC`);
  }
  for (const name of sharedFunctions) {
    await client.query(`REVOKE EXECUTE ON FUNCTION pg_catalog.${name} FROM PUBLIC`);
  }
}

async function exists(
  client: PgClient,
  catalogue: string,
  column: string,
  value: string,
): Promise<boolean> {
  // The value is a login's name: letters, digits and underscores.
  const found = await client.query(`SELECT 1 FROM ${catalogue} WHERE ${column} = '${value}'`);
  return rowCountOf(found) > 0;
}

async function isSuperuser(client: PgClient): Promise<boolean> {
  const found = await client.query(
    "SELECT 1 FROM pg_roles WHERE rolname = current_user AND rolsuper",
  );
  return rowCountOf(found) > 0;
}

function rowCountOf(result: unknown): number {
  const isResult = typeof result === "object" && result !== null && "rowCount" in result;
  return isResult && typeof result.rowCount === "number" ? result.rowCount : 0;
}

/** Asks as the superuser, by a connection that is closed again. */
export async function withClient<T>(
  target: PgTarget,
  work: (client: PgClient) => Promise<T>,
): Promise<T> {
  const client = createPgClient({
    ...target,
    application_name: "reactor-admin",
    connectionTimeoutMillis: connectTimeoutMs,
  });
  // Its statements reject; the event would end the process.
  client.on("error", () => {});
  try {
    await client.connect();
    return await work(client);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const sqlstate =
      cause instanceof Error && "code" in cause && typeof cause.code === "string"
        ? cause.code
        : undefined;
    const message = `Cannot prepare the project's database: ${reason}`;
    throw new DatabaseError("database_unavailable", message, { sqlstate }, { cause });
  } finally {
    await client.end().catch(() => undefined);
  }
}
