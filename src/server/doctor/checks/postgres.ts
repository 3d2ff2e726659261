import { join } from "node:path";
import {
  findPostgres,
  majorOf,
  type PostgresPlaces,
  postgresMajorMin,
} from "../../../database/postgres/find-postgres.ts";
import {
  linkPackagedLibraries,
  postgresRemedy,
} from "../../../database/postgres/packaged-postgres.ts";
import type { Settings } from "../../config/settings.ts";
import type { Finding } from "../finding.ts";
import type { Machine } from "../machine.ts";

const name = "postgresql";
const enables = "the function database (ctx.db)";
const remedy = `${postgresRemedy}, or set database.url (DATABASE_URL) to a server of yours`;
const timeoutMs = 5000;
/** Where Debian's packages put it, by major version. */
const debianFolder = "/usr/lib/postgresql/";

/**
 * The PostgreSQL that the server would start for functions, the system's or the package's, and the
 * programs beside it that backups take; those are nothing to look for where there is none of ours.
 */
export async function checkPostgres(
  machine: Machine,
  { databaseUrl, databaseBinaries }: Pick<Settings, "databaseUrl" | "databaseBinaries">,
  places: Omit<PostgresPlaces, "setting">,
): Promise<readonly Finding[]> {
  if (databaseUrl !== undefined) {
    const means = "projects get databases on it when a function first asks";
    return [{ name, state: "ok", found: "a server of yours, by database.url", means }];
  }
  let found = databaseBinaries === undefined ? "not found" : `none in ${databaseBinaries}`;
  for (const folder of findPostgres({ setting: databaseBinaries, ...places })) {
    const tried = await tryBinaries(machine, folder);
    if (tried.works) {
      return [
        { name, state: "ok", found: tried.found, means: `enough for ${enables}` },
        await checkArchivers(machine, folder, tried.major),
      ];
    }
    found = tried.found;
  }
  return [{ name, state: "missing", found, means: `needed for ${enables}`, remedy }];
}

/** What `reactor backup` runs: those of the very PostgreSQL that keeps the databases. */
const archivers = ["pg_dump", "pg_restore"] as const;

async function checkArchivers(machine: Machine, folder: string, major: number): Promise<Finding> {
  const found: string[] = [];
  const wrong: string[] = [];
  for (const archiver of archivers) {
    const file = join(folder, archiver);
    if ((await machine.find(file)) === undefined) {
      wrong.push(`no ${archiver} in ${folder}`);
      continue;
    }
    const { code, stdout, failure } = await machine.run(file, ["--version"], { timeoutMs });
    if (code === 0) found.push(stdout.trim());
    else wrong.push(`${file} does not work: ${failure ?? `exit code ${code}`}`);
  }
  if (wrong.length === 0) {
    const means = "reactor backup keeps and restores the function databases";
    return { name: "pg_dump", state: "ok", found: found.join(", "), means };
  }
  return {
    name: "pg_dump",
    state: "missing",
    found: wrong.join("; "),
    means: "reactor backup fails once functions have a database, except with --no-databases",
    remedy: folder.startsWith(debianFolder)
      ? `apt-get install postgresql-client-${major}`
      : `put pg_dump and pg_restore of PostgreSQL ${major} there, or name a whole PostgreSQL ${major} by database.binaries`,
  };
}

type Tried =
  | { readonly works: true; readonly found: string; readonly major: number }
  | { readonly works: false; readonly found: string };

async function tryBinaries(machine: Machine, folder: string): Promise<Tried> {
  const file = join(folder, "postgres");
  try {
    linkPackagedLibraries(folder);
  } catch (error) {
    return { works: false, found: error instanceof Error ? error.message : String(error) };
  }
  const { code, stdout, failure } = await machine.run(file, ["--version"], { timeoutMs });
  const version = stdout.split("\n")[0]?.trim() ?? "";
  if (code !== 0) {
    return { works: false, found: `${file} does not work: ${failure ?? `exit code ${code}`}` };
  }
  const major = majorOf(version) ?? 0;
  if (major >= postgresMajorMin) return { works: true, found: `${version} at ${file}`, major };
  return { works: false, found: `${version} at ${file}, older than ${postgresMajorMin}` };
}
