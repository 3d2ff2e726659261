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

/** The PostgreSQL that the server would start for functions: the system's, or the package's. */
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
      return [{ name, state: "ok", found: tried.found, means: `enough for ${enables}` }];
    }
    found = tried.found;
  }
  return [{ name, state: "missing", found, means: `needed for ${enables}`, remedy }];
}

async function tryBinaries(
  machine: Machine,
  folder: string,
): Promise<{ readonly works: boolean; readonly found: string }> {
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
  if ((majorOf(version) ?? 0) >= postgresMajorMin) {
    return { works: true, found: `${version} at ${file}` };
  }
  return { works: false, found: `${version} at ${file}, older than ${postgresMajorMin}` };
}
