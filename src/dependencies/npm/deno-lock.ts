import { refuseDependencies } from "../dependency-error.ts";
import { isObject, type JsonObject, own, ownObject, ownText, ownTexts } from "../json-object.ts";
import { refuseForeign } from "./foreign-source.ts";
import type { ReadLock, WrittenRanges } from "./lock-tree.ts";
import type { PackageManifest } from "./package-manifest.ts";
import { isExactVersion, isPackageName, splitAtVersion } from "./package-name.ts";
import { type GraphPackage, placePackages } from "./place-packages.ts";

const remedy = "make it anew with Deno 2.3 or later: deno install";

/** Whether a deno.lock names any package, of npm or of jsr; one of an old version says so elsewhere. */
export function denoLockHasPackages(json: unknown): boolean {
  return ["specifiers", "packages", "npm", "jsr"].some(
    (table) => Object.keys(ownObject(json, table)).length > 0,
  );
}

/**
 * Reads Deno's lockfile, version 5, as far as npm packages go: what the code imports as `npm:name@range`
 * becomes the package `name` in the function's own folder.
 */
export function readDenoLock(text: string, manifest: PackageManifest): ReadLock {
  const json = parse(text);
  const specifiers = specifiersOf(json);
  const graph = new DenoGraph(ownObject(json, "npm"));
  const required = new Map<string, string>();
  for (const [specifier, version] of Object.entries(specifiers)) {
    if (specifier.startsWith("jsr:")) continue;
    const { name, id } = readSpecifier(specifier, version, graph);
    const other = required.get(name);
    if (other !== undefined && other !== id) {
      throw refuseDependencies(
        `deno.lock has two versions of what the code imports as "${name}", ${other} and ${id}; import one of them`,
      );
    }
    required.set(name, id);
  }
  // What package.json calls something else than the registry does.
  for (const table of [manifest.dependencies, manifest.optionalDependencies]) {
    for (const [alias, range] of Object.entries(table)) {
      const version = specifiers[specifierOf(alias, range)];
      if (version === undefined || required.has(alias)) continue;
      required.set(alias, readSpecifier(specifierOf(alias, range), version, graph).id);
    }
  }
  const locked = (table: WrittenRanges): WrittenRanges =>
    Object.fromEntries(
      Object.entries(table).filter(([name, range]) =>
        Object.hasOwn(specifiers, specifierOf(name, range)),
      ),
    );
  return {
    tree: placePackages({ required, optional: new Map(), find: (id) => graph.read(id) }),
    dependencies: locked(manifest.dependencies),
    optionalDependencies: locked(manifest.optionalDependencies),
  };
}

/** Reads a deno.lock as the JSON that it must be. */
export function parseDenoLock(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refuseDependencies(`deno.lock is no JSON: ${String(cause)}`, cause);
  }
}

function parse(text: string): JsonObject {
  const json = parseDenoLock(text);
  const version = own(json, "version");
  if (isObject(json) && version === "5") return json;
  throw refuseDependencies(
    `deno.lock has version ${JSON.stringify(version)}, must be "5"; ${remedy}`,
  );
}

function specifiersOf(json: JsonObject): WrittenRanges {
  return Object.fromEntries(
    Object.entries(ownObject(json, "specifiers")).filter(
      (entry): entry is [string, string] => typeof entry[1] === "string",
    ),
  );
}

/** How the lock writes a dependency of package.json: `npm:name@range`, or the range of an alias. */
function specifierOf(name: string, range: string): string {
  return range.startsWith("npm:") ? range : `npm:${name}@${range}`;
}

function readSpecifier(
  specifier: string,
  version: string,
  graph: DenoGraph,
): { readonly name: string; readonly id: string } {
  const split = splitAtVersion(specifier.replace(/^npm:\/?/, ""));
  if (!specifier.startsWith("npm:") || split === undefined || !isPackageName(split.name)) {
    throw refuseDependencies(
      `deno.lock has ${JSON.stringify(specifier.slice(0, 120))}, which is no package of npm`,
    );
  }
  return { name: split.name, id: graph.find("the function", `${split.name}@${version}`) };
}

/** The lock's table of npm packages, by `name@version` with the peers behind underscores. */
class DenoGraph {
  readonly #packages: JsonObject;
  readonly #idsByName = new Map<string, string[]>();

  constructor(packages: JsonObject) {
    this.#packages = packages;
    for (const id of Object.keys(packages)) {
      const name = splitAtVersion(id)?.name ?? "";
      this.#idsByName.set(name, [...(this.#idsByName.get(name) ?? []), id]);
    }
  }

  /** The id that a reference means: itself, or the only version there is of a name. */
  find(from: string, reference: string): string {
    if (Object.hasOwn(this.#packages, reference)) return reference;
    const [id, other] = this.#idsByName.get(reference) ?? [];
    if (id !== undefined && other === undefined) return id;
    throw refuseDependencies(
      `deno.lock is incomplete: ${from} needs ${reference.slice(0, 200)}, which is not in it; ${remedy}`,
    );
  }

  read(id: string): GraphPackage {
    const entry = own(this.#packages, id);
    const what = `deno.lock: ${id.slice(0, 200)}`;
    const { name = "", rest = "" } = splitAtVersion(id) ?? {};
    // No version has an underscore.
    const version = rest.replace(/_.*$/s, "");
    if (!isPackageName(name) || !isExactVersion(version)) {
      throw refuseDependencies(`${what} has no valid name and version`);
    }
    const source = ownText(entry, "tarball");
    if (source !== undefined) refuseForeign(what, source);
    return {
      name,
      version,
      integrity: ownText(entry, "integrity"),
      url: source,
      os: ownTexts(entry, "os"),
      cpu: ownTexts(entry, "cpu"),
      libc: ownTexts(entry, "libc"),
      required: this.#references(id, ownTexts(entry, "dependencies")),
      optional: this.#references(id, ownTexts(entry, "optionalDependencies")),
    };
  }

  /** `name`, `name@version`, or for an alias `alias@npm:name@version`. */
  #references(id: string, references: readonly string[]): Map<string, string> {
    return new Map(
      references.map((reference) => {
        const alias = /^(.+?)@npm:(.+)$/.exec(reference);
        const target = alias?.[2] ?? reference;
        const name = alias?.[1] ?? splitAtVersion(reference)?.name ?? reference;
        if (isPackageName(name)) return [name, this.find(id, target)];
        throw refuseDependencies(`deno.lock: what ${id.slice(0, 200)} needs cannot be read`);
      }),
    );
  }
}
