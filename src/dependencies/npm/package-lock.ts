import { refuseDependencies } from "../dependency-error.ts";
import { isObject, type JsonObject, own, ownObject, ownText, ownTexts } from "../json-object.ts";
import { refuseForeign } from "./foreign-source.ts";
import { folderOfNames, type LockedNeeds, type LockedPackage, type ReadLock } from "./lock-tree.ts";
import { type PackageManifest, providedPackages, rangesOf, rootNeeds } from "./package-manifest.ts";
import { isExactVersion, isPackageName } from "./package-name.ts";

/** Reads npm's lockfile, version 2 or 3: folders below node_modules with what belongs there. */
export function readPackageLock(text: string, manifest: PackageManifest): ReadLock {
  const json = parse(text);
  const version = own(json, "lockfileVersion");
  if (version !== 2 && version !== 3) {
    throw refuseDependencies(
      `package-lock.json has lockfileVersion ${JSON.stringify(version)}, must be 2 or 3; make it anew with npm 7 or later: npm install --package-lock-only`,
    );
  }
  const entries = ownObject(json, "packages");
  const packages = new Map<string, LockedPackage>();
  for (const [path, entry] of Object.entries(entries)) {
    if (path === "") continue;
    const name = nameAt(path);
    // npm itself removes what nothing needs any more.
    if (providedPackages.has(name) || own(entry, "extraneous") === true) continue;
    packages.set(path, readEntry(path, name, entry));
  }
  const root = own(entries, "");
  const optionalDependencies = rangesOf(root, "optionalDependencies");
  return {
    tree: { root: rootNeeds(manifest), packages },
    dependencies: without(rangesOf(root, "dependencies"), optionalDependencies),
    optionalDependencies,
  };
}

function parse(text: string): JsonObject {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw refuseDependencies(`package-lock.json is no JSON: ${String(cause)}`, cause);
  }
  if (isObject(json)) return json;
  throw refuseDependencies("package-lock.json is no JSON object");
}

/** The name under which a folder is imported. Refuses folders that are not below node_modules. */
function nameAt(path: string): string {
  const names = path.startsWith("node_modules/")
    ? path.slice("node_modules/".length).split("/node_modules/")
    : [];
  if (folderOfNames(names) === path) return names.at(-1) ?? "";
  throw refuseDependencies(
    `package-lock.json has ${JSON.stringify(path.slice(0, 200))}, which is no folder of a package below node_modules; workspaces and local folders are not deployed`,
  );
}

function readEntry(path: string, alias: string, entry: unknown): LockedPackage {
  const name = ownText(entry, "name") ?? alias;
  const version = ownText(entry, "version") ?? "";
  const resolved = ownText(entry, "resolved");
  const what = `package-lock.json: ${path}`;
  if (own(entry, "link") === true) {
    throw refuseDependencies(`${what} is a link to a folder; use a version from a registry`);
  }
  if (resolved !== undefined) refuseForeign(what, resolved);
  if (!isPackageName(name) || !isExactVersion(version)) {
    throw refuseDependencies(`${what} has no valid name and version`);
  }
  return {
    name,
    version,
    integrity: ownText(entry, "integrity"),
    url: resolved,
    needs: needsOf(entry),
    os: ownTexts(entry, "os"),
    cpu: ownTexts(entry, "cpu"),
    libc: ownTexts(entry, "libc"),
    bundled: own(entry, "inBundle") === true,
  };
}

/** What a package's own entry says that it needs. */
export function needsOf(entry: unknown): LockedNeeds {
  const names = (key: string): string[] =>
    Object.keys(ownObject(entry, key)).filter((name) => !providedPackages.has(name));
  const optional = names("optionalDependencies");
  return {
    required: names("dependencies").filter((name) => !optional.includes(name)),
    optional,
    peers: names("peerDependencies"),
  };
}

function without<T>(
  table: Readonly<Record<string, T>>,
  other: Readonly<Record<string, unknown>>,
): Record<string, T> {
  return Object.fromEntries(Object.entries(table).filter(([name]) => !Object.hasOwn(other, name)));
}
