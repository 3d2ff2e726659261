import { refuseDependencies } from "../dependency-error.ts";
import { isObject, type JsonObject, own, ownObject } from "../json-object.ts";
import type { LockedNeeds, WrittenRanges } from "./lock-tree.ts";
import { isPackageName } from "./package-name.ts";

/** What the function's own package.json asks for. */
export interface PackageManifest {
  /** Without those that are optional as well. */
  readonly dependencies: WrittenRanges;
  readonly optionalDependencies: WrittenRanges;
}

/** Packages that the server itself gives to functions. */
export const providedPackages: ReadonlySet<string> = new Set([
  "@reactor/functions",
  "@flux/functions",
]);

/** Forms of a range that lead elsewhere than to a registry, in the words of the message. */
const foreignRanges: readonly (readonly [form: RegExp, what: string])[] = [
  [/^(?:git(?:\+[a-z]+)?:|git@|github:|gitlab:|bitbucket:|gist:)/i, "a git repository"],
  [/^[^@/\s:]+\/[^@/\s:]+$/, "a git repository"],
  [/^(?:file|link|portal):/i, "a folder or file"],
  [/^(?:\.{0,2}\/|~\/|[A-Za-z]:[\\/])/, "a folder or file"],
  [/^workspace:/i, "a workspace"],
  [/^catalog:/i, "a catalog of a workspace"],
  [/^patch:/i, "a patched package"],
  [/^jsr:/i, "the jsr registry"],
];

/**
 * Reads the function's package.json as far as dependencies go. `bundle_invalid` when it is no JSON
 * object, has workspaces, or asks for what is in no registry; names what it is about.
 */
export function readPackageManifest(bytes: Uint8Array): PackageManifest {
  const json = parseJson(bytes);
  const workspaces = own(json, "workspaces");
  if (Array.isArray(workspaces) ? workspaces.length > 0 : isObject(workspaces)) {
    throw refuseDependencies(
      "package.json has workspaces; deploy each function from a folder with a package.json and lockfile of its own",
    );
  }
  const optionalDependencies = readRanges(json, "optionalDependencies");
  const dependencies = Object.fromEntries(
    Object.entries(readRanges(json, "dependencies")).filter(
      ([name]) => !Object.hasOwn(optionalDependencies, name),
    ),
  );
  return { dependencies, optionalDependencies };
}

/** Whether there is anything to install. */
export function hasDependencies(manifest: PackageManifest): boolean {
  return [manifest.dependencies, manifest.optionalDependencies].some((table) =>
    Object.keys(table).some((name) => !providedPackages.has(name)),
  );
}

/** What the function itself needs of the tree. */
export function rootNeeds(manifest: PackageManifest): LockedNeeds {
  const wanted = (table: WrittenRanges): string[] =>
    Object.keys(table).filter((name) => !providedPackages.has(name));
  return {
    required: wanted(manifest.dependencies),
    optional: wanted(manifest.optionalDependencies),
    peers: [],
  };
}

/** The table `name: range` under a key; entries that are no text are left out. */
export function rangesOf(json: unknown, key: string): WrittenRanges {
  return Object.fromEntries(
    Object.entries(ownObject(json, key)).filter(
      (entry): entry is [string, string] => typeof entry[1] === "string",
    ),
  );
}

function parseJson(bytes: Uint8Array): JsonObject {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw refuseDependencies(`package.json is no JSON: ${String(cause)}`, cause);
  }
  if (isObject(json)) return json;
  throw refuseDependencies("package.json is no JSON object");
}

function readRanges(json: JsonObject, key: string): WrittenRanges {
  const written = own(json, key);
  if (written !== undefined && !isObject(written)) {
    throw refuseDependencies(`package.json: "${key}" is no object`);
  }
  for (const [name, range] of Object.entries(written ?? {})) {
    if (!isPackageName(name)) {
      throw refuseDependencies(
        `package.json: ${JSON.stringify(name.slice(0, 120))} in "${key}" is no name of a package`,
      );
    }
    if (typeof range !== "string") {
      throw refuseDependencies(`package.json: the range of "${name}" in "${key}" is no text`);
    }
    if (providedPackages.has(name)) continue;
    const foreign = foreignRanges.find(([form]) => form.test(range));
    if (foreign !== undefined) {
      throw refuseDependencies(
        `package.json takes "${name}" from ${foreign[1]} (${JSON.stringify(range.slice(0, 200))}); use a version from a registry, or deploy it inside node_modules`,
      );
    }
  }
  return rangesOf(json, key);
}
