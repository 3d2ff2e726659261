import { join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import { DatabaseError } from "../database-error.ts";
import { programEnvironment } from "./cluster-folder.ts";
import { findPostgres, majorOf } from "./find-postgres.ts";
import type { ProgramStarter } from "./program-starter.ts";

/** The oldest version whose schemas and settings are what this code expects. */
const majorMin = 15;
const versionTimeoutMs = 10_000;

export interface Binaries {
  readonly folder: string;
  readonly major: number;
  /** As it prints it, e.g. `15.18`. */
  readonly version: string;
}

/**
 * The binaries to start a cluster with: those of the very version that made it, or for a new one the
 * newest. Throws `database_unavailable` that says what was found and what is needed.
 */
export async function chooseBinaries(options: {
  readonly binaries: string | undefined;
  readonly searchPath: string | undefined;
  readonly clusterMajor: number | undefined;
  readonly programs: ProgramStarter;
  readonly clock: Clock;
}): Promise<Binaries> {
  const { clusterMajor } = options;
  const folders = findPostgres({ setting: options.binaries, searchPath: options.searchPath });
  const found: Binaries[] = [];
  for (const folder of folders) {
    const binaries = await askVersion(options, folder);
    if (binaries === undefined || binaries.major < majorMin) continue;
    if (clusterMajor === undefined || binaries.major === clusterMajor) return binaries;
    found.push(binaries);
  }
  const where = options.binaries === undefined ? "" : ` in "${options.binaries}"`;
  const others = found.map(({ version, folder }) => `${version} at ${folder}`).join(", ");
  if (clusterMajor !== undefined) {
    throw new DatabaseError(
      "database_unavailable",
      `Cannot start the database: its folder was made by PostgreSQL ${clusterMajor}, and only that version may open it; found ${others || "none"}${where}. Install it (apt-get install postgresql-${clusterMajor}), or name the folder of its binaries by the setting database.binaries`,
    );
  }
  throw new DatabaseError(
    "database_unavailable",
    `Cannot start the database: there is no PostgreSQL ${majorMin} or newer${where}. Install one (apt-get install postgresql), name the folder of its binaries by the setting database.binaries, or use a server of your own by database.url (DATABASE_URL)`,
  );
}

async function askVersion(
  { programs, clock }: { readonly programs: ProgramStarter; readonly clock: Clock },
  folder: string,
): Promise<Binaries | undefined> {
  let printed = "";
  const program = programs.start({
    file: join(folder, "postgres"),
    args: ["--version"],
    env: programEnvironment,
    user: undefined,
    descriptors: [],
    onLine: (line) => {
      printed += line;
    },
  });
  const late = clock.after(versionTimeoutMs, () => program.signal("SIGKILL"));
  const end = await program.ended;
  late.cancel();
  const major = majorOf(printed);
  if (end.code !== 0 || major === undefined) return undefined;
  return { folder, major, version: /\) (\S+)/.exec(printed)?.[1] ?? String(major) };
}
