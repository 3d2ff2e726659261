import { refuseDependencies } from "../dependency-error.ts";
import { isObject, type JsonObject, own, ownObject, ownTexts } from "../json-object.ts";
import { refuseForeign } from "./foreign-source.ts";
import { folderOfNames, type LockedPackage, type ReadLock } from "./lock-tree.ts";
import { needsOf } from "./package-lock.ts";
import { type PackageManifest, providedPackages, rangesOf, rootNeeds } from "./package-manifest.ts";
import { isExactVersion, isPackageName, splitAtVersion } from "./package-name.ts";
import { registryUrl } from "./registry-url.ts";

/**
 * Reads Bun's text lockfile. Its keys are the tree: `a/b` is the `b` inside of `a`, so nothing has
 * to be resolved again.
 */
export function readBunLock(text: string, manifest: PackageManifest): ReadLock {
  const json = parse(text);
  const workspaces = ownObject(json, "workspaces");
  const members = Object.keys(workspaces).filter((path) => path !== "");
  if (members.length > 0) {
    throw refuseDependencies(
      `bun.lock is a workspace's (${members.slice(0, 3).join(", ")}); deploy each function from a folder with a lockfile of its own`,
    );
  }
  const root = own(workspaces, "");
  const packages = new Map<string, LockedPackage>();
  for (const [key, entry] of Object.entries(ownObject(json, "packages"))) {
    const path = pathOf(key);
    if (providedPackages.has(key)) continue;
    packages.set(path, readEntry(key, entry));
  }
  const optionalDependencies = rangesOf(root, "optionalDependencies");
  const dependencies = Object.fromEntries(
    Object.entries(rangesOf(root, "dependencies")).filter(
      ([name]) => !Object.hasOwn(optionalDependencies, name),
    ),
  );
  return {
    tree: { root: rootNeeds(manifest), packages },
    dependencies,
    optionalDependencies,
  };
}

/** JSON with commas before closing brackets, which is all that Bun's own writer adds to JSON. */
function parse(text: string): JsonObject {
  const plain = text.replace(
    /("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])/g,
    (_match, literal: string | undefined) => literal ?? "",
  );
  let json: unknown;
  try {
    json = JSON.parse(plain);
  } catch (cause) {
    throw refuseDependencies(`bun.lock cannot be read: ${String(cause)}`, cause);
  }
  const version = own(json, "lockfileVersion");
  if (isObject(json) && (version === 0 || version === 1 || version === 2)) return json;
  throw refuseDependencies(
    `bun.lock has lockfileVersion ${JSON.stringify(version)}, must be 0, 1 or 2`,
  );
}

/** `a/@s/b` as the folder `node_modules/a/node_modules/@s/b`. */
function pathOf(key: string): string {
  const names = key.match(/@[^/]+\/[^/]+|[^/]+/g) ?? [];
  const folder = names.join("/") === key ? folderOfNames(names) : undefined;
  if (folder !== undefined) return folder;
  throw refuseDependencies(
    `bun.lock has ${JSON.stringify(key.slice(0, 200))}, which is no name of a package`,
  );
}

/** `["name@version", "" or where it is, { what it needs }, "integrity"]`. */
function readEntry(key: string, entry: unknown): LockedPackage {
  const what = `bun.lock: ${key}`;
  const parts: readonly unknown[] = Array.isArray(entry) ? entry : [];
  const id = typeof parts[0] === "string" ? splitAtVersion(parts[0]) : undefined;
  if (id === undefined || !isPackageName(id.name)) {
    throw refuseDependencies(`${what} has no valid name and version`);
  }
  if (!isExactVersion(id.rest)) {
    refuseForeign(what, id.rest);
    throw refuseDependencies(
      `${what} comes from a URL (${JSON.stringify(id.rest.slice(0, 200))}); use a version from a registry`,
    );
  }
  const [, source, info, integrity] = parts;
  if (typeof source === "string" && source !== "") refuseForeign(what, source);
  return {
    name: id.name,
    version: id.rest,
    integrity: typeof integrity === "string" ? integrity : undefined,
    // A source that is a registry, not an archive, is where the package's usual path starts.
    url: archiveUrl(source, id.name, id.rest),
    needs: needsOf(info),
    os: ownTexts(info, "os"),
    cpu: ownTexts(info, "cpu"),
    libc: ownTexts(info, "libc"),
    bundled: own(info, "bundled") === true,
  };
}

function archiveUrl(source: unknown, name: string, version: string): string | undefined {
  if (typeof source !== "string" || source === "") return undefined;
  if (/\.t(?:ar\.)?gz$/.test(new URL(source).pathname)) return source;
  return registryUrl(source, name, version);
}
