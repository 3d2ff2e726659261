import { refuseDependencies, tooManyDependencies } from "../dependency-error.ts";
import { installLimits } from "../install-limits.ts";
import { own, ownObject, ownText, ownTexts } from "../json-object.ts";
import { isExactVersion, isPackageName, splitAtVersion } from "../npm/package-name.ts";

/** One version of a package of jsr that a deno.lock names. */
export interface LockedJsrPackage {
  readonly name: string;
  readonly version: string;
  /** SHA-256 in hex of the version's metadata, which has the checksum of every file. */
  readonly sha256: string;
}

export interface JsrLock {
  /** By `name@version`. */
  readonly packages: ReadonlyMap<string, LockedJsrPackage>;
  /** The `name@version` that an import such as `jsr:@scope/name@range` means. */
  readonly specifiers: ReadonlyMap<string, string>;
}

const remedy = "make it anew with Deno 2.3 or later: deno install --entrypoint <file>";

/** Whether a deno.lock, read as JSON, has imports `jsr:`. */
export function hasJsrPackages(lock: unknown): boolean {
  return Object.keys(ownObject(lock, "specifiers")).some(isJsrSpecifier);
}

/**
 * Reads what a deno.lock (version 5, read as JSON) says about packages of jsr: those that its imports
 * lead to. `bundle_invalid` names the first that is not complete.
 */
export function readJsrLock(lock: unknown): JsrLock {
  const table = ownObject(lock, "jsr");
  const packages = new Map<string, LockedJsrPackage>();
  const specifiers = new Map<string, string>();
  for (const [specifier, version] of Object.entries(ownObject(lock, "specifiers"))) {
    if (!isJsrSpecifier(specifier)) continue;
    const name = splitAtVersion(specifier.slice("jsr:".length))?.name ?? "";
    if (!isJsrName(name) || typeof version !== "string" || !isExactVersion(version)) {
      throw refuseDependencies(
        `deno.lock has ${JSON.stringify(specifier.slice(0, 200))}, which is no package of jsr with its version`,
      );
    }
    const id = `${name}@${version}`;
    specifiers.set(specifier, id);
    packages.set(id, { name, version, sha256: sha256Of(id, own(table, id)) });
  }
  if (packages.size > installLimits.packagesMax) {
    throw tooManyDependencies(`deno.lock needs more than ${installLimits.packagesMax} packages`);
  }
  for (const id of packages.keys()) requireDependencies(lock, id);
  return { packages, specifiers };
}

function isJsrSpecifier(specifier: string): boolean {
  return specifier.startsWith("jsr:");
}

/** Packages of jsr all have a scope. */
function isJsrName(name: string): boolean {
  return name.startsWith("@") && isPackageName(name);
}

function sha256Of(id: string, entry: unknown): string {
  const integrity = ownText(entry, "integrity") ?? "";
  if (/^[0-9a-f]{64}$/.test(integrity)) return integrity;
  throw refuseDependencies(
    entry === undefined
      ? `deno.lock is incomplete: it has no entry for ${id} of jsr; ${remedy}`
      : `deno.lock has no SHA-256 integrity for ${id} of jsr, so that nobody can say whether it is the right one; ${remedy}`,
  );
}

/** The lock leaves out the range of a dependency when it knows but one. */
function requireDependencies(lock: unknown, id: string): void {
  const specifiers = ownObject(lock, "specifiers");
  const known = new Set(
    Object.keys(specifiers).flatMap((specifier) => {
      const at = specifier.lastIndexOf("@");
      return [specifier, specifier.slice(0, at)];
    }),
  );
  for (const reference of ownTexts(own(ownObject(lock, "jsr"), id), "dependencies")) {
    if (known.has(reference)) continue;
    throw refuseDependencies(
      `deno.lock is incomplete: ${id} of jsr needs ${reference.slice(0, 200)}, which is not among its specifiers; ${remedy}`,
    );
  }
}
