import { refuseDependencies } from "../dependency-error.ts";
import { isObject, type JsonObject, own, ownObject, ownText, ownTexts } from "../json-object.ts";
import { refuseForeign } from "./foreign-source.ts";
import type { ReadLock, WrittenRanges } from "./lock-tree.ts";
import { parsePnpmYaml } from "./pnpm-yaml.ts";
import { type GraphPackage, placePackages } from "./place-packages.ts";
import { type PackageManifest, providedPackages } from "./package-manifest.ts";
import { isExactVersion, isPackageName, splitAtVersion } from "./package-name.ts";

/**
 * Reads pnpm's lockfile, version 9: a graph of packages, each by its name, version and the peers it
 * was resolved with. It has no folders, so the graph is laid out as a tree here.
 */
export function readPnpmLock(text: string, _manifest: PackageManifest): ReadLock {
  const json = parse(text);
  const importers = ownObject(json, "importers");
  const members = Object.keys(importers).filter((path) => path !== ".");
  if (members.length > 0) {
    throw refuseDependencies(
      `pnpm-lock.yaml is a workspace's (${members.slice(0, 3).join(", ")}); deploy each function from a folder with a lockfile of its own`,
    );
  }
  const root = own(importers, ".");
  const lock = { packages: ownObject(json, "packages"), snapshots: ownObject(json, "snapshots") };
  const tree = placePackages({
    required: rootReferences(lock, root, "dependencies"),
    optional: rootReferences(lock, root, "optionalDependencies"),
    find: (id) => readPackage(lock, id),
  });
  return {
    tree,
    dependencies: specifiersOf(root, "dependencies"),
    optionalDependencies: specifiersOf(root, "optionalDependencies"),
  };
}

interface PnpmLock {
  readonly packages: JsonObject;
  readonly snapshots: JsonObject;
}

function parse(text: string): JsonObject {
  let json: unknown;
  try {
    json = parsePnpmYaml(text);
  } catch (cause) {
    throw refuseDependencies(
      `pnpm-lock.yaml cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      cause,
    );
  }
  const version = String(own(json, "lockfileVersion"));
  if (isObject(json) && /^9\.\d+$/.test(version)) return json;
  throw refuseDependencies(
    `pnpm-lock.yaml has lockfileVersion ${JSON.stringify(version)}, must be 9.0; make it anew with pnpm 9 or later: pnpm install --lockfile-only`,
  );
}

function specifiersOf(root: unknown, key: string): WrittenRanges {
  return Object.fromEntries(
    Object.entries(ownObject(root, key)).map(([name, entry]) => [
      name,
      ownText(entry, "specifier") ?? "",
    ]),
  );
}

function rootReferences(lock: PnpmLock, root: unknown, key: string): Map<string, string> {
  return referencesOf(
    lock,
    "the function",
    Object.entries(ownObject(root, key)).map(([name, entry]) => [name, own(entry, "version")]),
  );
}

/** Ids of snapshots by the name under which they are imported. */
function referencesOf(
  { snapshots }: PnpmLock,
  from: string,
  entries: readonly (readonly [name: string, reference: unknown])[],
): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, reference] of entries) {
    if (providedPackages.has(name)) continue;
    if (typeof reference !== "string" || !isPackageName(name)) {
      throw refuseDependencies(
        `pnpm-lock.yaml: what ${from} needs as ${JSON.stringify(name.slice(0, 120))} cannot be read`,
      );
    }
    // A version of the same name, or for an alias the whole `name@version`.
    const id = [`${name}@${reference}`, reference].find((key) => Object.hasOwn(snapshots, key));
    if (id === undefined) {
      if (/^(?:link|file|workspace|git\+|https?):/.test(reference)) {
        refuseForeign(`pnpm-lock.yaml: ${name}`, reference);
      }
      throw refuseDependencies(
        `pnpm-lock.yaml is incomplete: ${from} needs ${name}@${reference}, which is not in it; run: pnpm install --lockfile-only`,
      );
    }
    found.set(name, id);
  }
  return found;
}

function readPackage(lock: PnpmLock, id: string): GraphPackage {
  const what = `pnpm-lock.yaml: ${id.slice(0, 200)}`;
  const snapshot = own(lock.snapshots, id);
  const peersAt = id.indexOf("(");
  const key = peersAt === -1 ? id : id.slice(0, peersAt);
  const entry = own(lock.packages, key);
  const split = splitAtVersion(key);
  const resolution = own(entry, "resolution");
  const source = ownText(resolution, "tarball");
  const other = ownText(resolution, "type") ?? ownText(resolution, "directory");
  if (other !== undefined)
    throw refuseDependencies(`${what} comes from ${other}; use a version from a registry`);
  if (source !== undefined) refuseForeign(what, source);
  if (split === undefined || !isPackageName(split.name)) {
    throw refuseDependencies(`${what} has no valid name and version`);
  }
  if (!isExactVersion(split.rest)) {
    refuseForeign(what, split.rest);
    throw refuseDependencies(`${what} comes from a URL; use a version from a registry`);
  }
  const references = (table: string): Map<string, string> =>
    referencesOf(lock, key, Object.entries(ownObject(snapshot, table)));
  return {
    name: split.name,
    version: split.rest,
    integrity: ownText(resolution, "integrity"),
    url: source,
    os: ownTexts(entry, "os"),
    cpu: ownTexts(entry, "cpu"),
    libc: ownTexts(entry, "libc"),
    required: references("dependencies"),
    optional: references("optionalDependencies"),
  };
}
