import { readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { UsageError } from "./usage-error.ts";

/** A folder that holds one function. */
export interface FunctionFolder {
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
  /** It is one of a project's `functions/*`. */
  readonly ofProject: boolean;
}

/** What lies where a command is typed. */
export interface Project {
  /** Absolute; undefined for a function that belongs to no project's folder. */
  readonly root: string | undefined;
  /** In order of name; only the one whose folder it is when the command is typed inside of one. */
  readonly functions: readonly FunctionFolder[];
  /** Folders below `functions` that hold no function. */
  readonly others: readonly string[];
  /** Names of the files in `schema` that end in `.sql`. */
  readonly migrations: readonly string[];
}

const manifestNames = ["reactor.json", "flux.json", "manifest.json"];
const entryPattern = /^(?:index|handler|main)\.(?:[cm]?[jt]sx?|py|wasm)$/;
const functionsFolder = "functions";

/**
 * The functions that a folder stands for: those of the project whose root it is, or the one function
 * whose folder it is or lies in. Throws UsageError when it is neither, or two functions have one name.
 */
export function findProject(cwd: string): Project {
  const inside = functionAbove(cwd);
  if (inside !== undefined && holdsFunction(inside)) {
    const root = path.dirname(path.dirname(inside));
    return projectOf(root, [functionIn(inside, true)], []);
  }
  const names = foldersIn(path.join(cwd, functionsFolder));
  if (names === undefined) {
    if (holdsFunction(cwd)) {
      return {
        root: undefined,
        functions: [functionIn(cwd, false)],
        others: [],
        migrations: [],
      };
    }
    throw new UsageError(
      `Cannot find a project: ${cwd} has no folder "${functionsFolder}", and is no function's folder`,
      { next: "reactor init --template empty    (or go to the project's root)" },
    );
  }
  const folders = names.map((name) => path.join(cwd, functionsFolder, name));
  const held = folders.map(holdsFunction);
  const functions = folders
    .filter((_, index) => held[index])
    .map((folder) => functionIn(folder, true));
  return projectOf(
    cwd,
    functions,
    names.filter((_, index) => !held[index]),
  );
}

function projectOf(
  root: string,
  found: readonly FunctionFolder[],
  others: readonly string[],
): Project {
  const functions = [...found].sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const [index, one] of functions.entries()) {
    const next = functions[index + 1];
    if (next?.name !== one.name) continue;
    throw new UsageError(
      `Two folders hold a function named "${one.name}": ${path.relative(root, one.folder)} and ${path.relative(root, next.folder)}; give one of them another name in its manifest`,
    );
  }
  const files = unlessMissing(() => readdirSync(path.join(root, "schema")));
  const migrations = (files ?? []).filter((file) => file.endsWith(".sql")).sort();
  return { root, functions, others, migrations };
}

/** The folder `…/functions/<name>` that the folder is or lies in, the nearest one. */
function functionAbove(cwd: string): string | undefined {
  for (let at = cwd; path.dirname(at) !== at; at = path.dirname(at)) {
    if (path.basename(path.dirname(at)) === functionsFolder) return at;
  }
  return undefined;
}

function holdsFunction(folder: string): boolean {
  const names = unlessMissing(() => readdirSync(folder)) ?? [];
  if (names.some((name) => manifestNames.includes(name) || entryPattern.test(name))) return true;
  if (!names.includes("code")) return false;
  const code = unlessMissing(() => readdirSync(path.join(folder, "code"))) ?? [];
  return code.some((name) => entryPattern.test(name));
}

function functionIn(folder: string, ofProject: boolean): FunctionFolder {
  return { name: nameIn(folder) ?? path.basename(folder), folder, ofProject };
}

/** The name in the folder's manifest. One that cannot be read is for the server to judge, as a whole. */
function nameIn(folder: string): string | undefined {
  for (const file of manifestNames) {
    const text = unlessMissing(() => readFileSync(path.join(folder, file), "utf8"));
    if (text === undefined) continue;
    const name = nameOf(text);
    if (name !== undefined) return name;
  }
  return undefined;
}

function nameOf(text: string): string | undefined {
  try {
    const manifest: unknown = JSON.parse(text);
    if (typeof manifest !== "object" || manifest === null || !("name" in manifest))
      return undefined;
    return typeof manifest.name === "string" ? manifest.name : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Names of the folders in a folder, without hidden ones; undefined when there is no such folder. */
function foldersIn(folder: string): readonly string[] | undefined {
  const names = unlessMissing(() => readdirSync(folder));
  if (names === undefined) return undefined;
  const seen = names.filter((name) => !name.startsWith("."));
  return seen
    .filter((name) => unlessMissing(() => statSync(path.join(folder, name)))?.isDirectory())
    .sort();
}

function unlessMissing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}
