import { join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import { DatabaseError } from "../database-error.ts";
import { programEnvironment, type SystemUser } from "./cluster-folder.ts";
import { findPostgres, majorOf, postgresMajorMin } from "./find-postgres.ts";
import { linkPackagedLibraries, postgresRemedy } from "./packaged-postgres.ts";
import type { ProgramStarter } from "./program-starter.ts";

const versionTimeoutMs = 10_000;
const outputCharsMax = 300;

export interface Binaries {
  readonly folder: string;
  readonly major: number;
  /** As it prints it, e.g. `15.18`. */
  readonly version: string;
}

/** Where binaries are looked for, and how they are tried. */
export interface BinariesOptions {
  readonly binaries: string | undefined;
  readonly searchPath: string | undefined;
  /** Folders whose `node_modules` may hold the package with PostgreSQL's binaries. */
  readonly packageRoots: readonly string[];
  readonly programs: ProgramStarter;
  readonly clock: Clock;
}

interface BinariesRequest extends BinariesOptions {
  readonly clusterMajor: number | undefined;
  /** Whom they run as; undefined: the server's own user. */
  readonly user: SystemUser | undefined;
}

/**
 * The binaries to start a cluster with: those of the very version that made it, or for a new one the
 * newest. Throws `database_unavailable` that says what was found and what is needed.
 */
export async function chooseBinaries(options: BinariesRequest): Promise<Binaries> {
  const { clusterMajor, binaries: setting, searchPath, packageRoots } = options;
  const found: string[] = [];
  for (const folder of findPostgres({ setting, searchPath, packageRoots })) {
    const binaries = await askVersion(options, folder);
    if (typeof binaries === "string") {
      found.push(`${folder}, which does not run (${binaries})`);
    } else if (binaries.major < postgresMajorMin) {
      found.push(`${binaries.version} at ${folder}`);
    } else {
      if (clusterMajor === undefined || binaries.major === clusterMajor) return binaries;
      found.push(`${binaries.version} at ${folder}`);
    }
  }
  throw noneFits(options, found.join(", ") || "none");
}

function noneFits({ clusterMajor, binaries }: BinariesRequest, found: string): DatabaseError {
  const where = binaries === undefined ? "" : ` in "${binaries}"`;
  const byHand = "name the folder of its binaries by the setting database.binaries";
  return new DatabaseError(
    "database_unavailable",
    clusterMajor === undefined
      ? `Cannot start the database: there is no PostgreSQL ${postgresMajorMin} or newer${where}; found ${found}. ${capitalised(postgresRemedy)}, ${byHand}, or use a server of your own by database.url (DATABASE_URL)`
      : `Cannot start the database: its folder was made by PostgreSQL ${clusterMajor}, and only that version may open it; found ${found}${where}. Install it (apt-get install postgresql-${clusterMajor}), or ${byHand}`,
  );
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What the folder holds, or why it does not run. */
async function askVersion(
  { programs, clock, user }: BinariesRequest,
  folder: string,
): Promise<Binaries | string> {
  linkPackagedLibraries(folder);
  let printed = "";
  const program = programs.start({
    file: join(folder, "postgres"),
    args: ["--version"],
    env: programEnvironment,
    user,
    descriptors: [],
    onLine: (line) => {
      printed += line;
    },
  });
  const late = clock.after(versionTimeoutMs, () => program.signal("SIGKILL"));
  const end = await program.ended;
  late.cancel();
  const major = majorOf(printed);
  if (end.code !== 0 || major === undefined) {
    return printed.slice(0, outputCharsMax) || (end.error ?? end.signal ?? `exit code ${end.code}`);
  }
  return { folder, major, version: /\) (\S+)/.exec(printed)?.[1] ?? String(major) };
}
