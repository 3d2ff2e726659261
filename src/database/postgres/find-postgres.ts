import { accessSync, constants, readdirSync } from "node:fs";
import { join } from "node:path";
import { packagedPostgres } from "./packaged-postgres.ts";

/** Where Debian keeps the binaries, in a folder per major version. */
const versionsFolder = "/usr/lib/postgresql";

/** The oldest version whose schemas and settings are what this code expects. */
export const postgresMajorMin = 15;

/** What looks for binaries depends on. */
export interface PostgresPlaces {
  /** A folder that the operator named; nothing else counts then. */
  readonly setting: string | undefined;
  readonly searchPath: string | undefined;
  /** Folders whose `node_modules` may hold the package with PostgreSQL's binaries. */
  readonly packageRoots?: readonly string[];
  /** Default: where Debian keeps them. */
  readonly versionsFolder?: string;
}

/** Folders that hold both `postgres` and `initdb`: the system's first, the newest version first. */
export function findPostgres(places: PostgresPlaces): readonly string[] {
  if (places.setting !== undefined) return [places.setting].filter(holdsPostgres);
  const root = places.versionsFolder ?? versionsFolder;
  const versioned = versionsIn(root).map((version) => join(root, version, "bin"));
  const others = (places.searchPath ?? "").split(":").filter((folder) => folder.startsWith("/"));
  const packaged = (places.packageRoots ?? []).map(packagedPostgres);
  return [...new Set([...versioned, ...others, ...packaged])].filter(holdsPostgres);
}

function versionsIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^\d+$/.test(name))
      .sort((a, b) => Number(b) - Number(a));
  } catch {
    // Not a Debian, or nothing is installed.
    return [];
  }
}

function holdsPostgres(folder: string): boolean {
  return ["postgres", "initdb"].every((name) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      // Absent or closed to us: either way not to be used.
      return false;
    }
  });
}

/** The major version in what `postgres --version` prints; undefined when it is something else. */
export function majorOf(printed: string): number | undefined {
  const found = /PostgreSQL\) (\d+)/.exec(printed)?.[1];
  return found === undefined ? undefined : Number(found);
}
