import { refuseDependencies } from "../dependency-error.ts";
import type { LockTree, ReadLock, WrittenRanges } from "./lock-tree.ts";
import { readBunLock } from "./bun-lock.ts";
import { readDenoLock } from "./deno-lock.ts";
import { readPackageLock } from "./package-lock.ts";
import type { PackageManifest } from "./package-manifest.ts";
import { readPnpmLock } from "./pnpm-lock.ts";

interface LockKind {
  readonly file: string;
  readonly read: (text: string, manifest: PackageManifest) => ReadLock;
  /** The command that brings it up to date. */
  readonly remedy: string;
}

const npmRemedy = "npm install --package-lock-only";
const lockKinds: readonly LockKind[] = [
  { file: "npm-shrinkwrap.json", read: readPackageLock, remedy: npmRemedy },
  { file: "package-lock.json", read: readPackageLock, remedy: npmRemedy },
  { file: "bun.lock", read: readBunLock, remedy: "bun install --lockfile-only" },
  { file: "pnpm-lock.yaml", read: readPnpmLock, remedy: "pnpm install --lockfile-only" },
];

/** Lockfiles that are not read, and what to do instead. */
const unreadLocks: Readonly<Record<string, string>> = {
  "bun.lockb":
    "bun.lockb is binary; make it text with: bun install --save-text-lockfile --frozen-lockfile --lockfile-only",
  "yarn.lock": `yarn.lock is not read; make a package-lock.json from it with: ${npmRemedy}`,
};
/** Deno's own, which counts for its functions only, and there before the others. */
const denoLock: LockKind = { file: "deno.lock", read: readDenoLock, remedy: "deno install" };
const lockBytesMax = 8 * 1_048_576;

export interface FoundLock extends LockKind {
  readonly bytes: Uint8Array;
}

/** Deno's lockfile, when there is one. */
export function findDenoLock(files: ReadonlyMap<string, Uint8Array>): FoundLock | undefined {
  const bytes = files.get(denoLock.file);
  return bytes === undefined ? undefined : sized({ ...denoLock, bytes });
}

/**
 * The function's lockfile, for a package.json that has dependencies. `bundle_invalid` when there is
 * none, more than one, or one of a kind that is not read.
 */
export function findLock(files: ReadonlyMap<string, Uint8Array>): FoundLock {
  const found = lockKinds.flatMap((kind) => {
    const bytes = files.get(kind.file);
    return bytes === undefined ? [] : [{ ...kind, bytes }];
  });
  const [lock, other] = found;
  if (lock !== undefined && other !== undefined) {
    throw refuseDependencies(
      `there are two lockfiles, ${lock.file} and ${other.file}, which may disagree; remove one`,
    );
  }
  if (lock === undefined) {
    const unread = Object.keys(unreadLocks).find((file) => files.has(file));
    if (unread !== undefined) throw refuseDependencies(unreadLocks[unread] ?? unread);
    throw refuseDependencies(
      `package.json has dependencies, but there is no package-lock.json, bun.lock or pnpm-lock.yaml beside it; make one with: ${npmRemedy}`,
    );
  }
  return sized(lock);
}

function sized(lock: FoundLock): FoundLock {
  const { file, bytes } = lock;
  if (bytes.length <= lockBytesMax) return lock;
  throw refuseDependencies(`${file} has ${bytes.length} bytes, at most ${lockBytesMax}`);
}

/** Reads the lock and holds it against the package.json. `bundle_invalid` names the first difference. */
export function readLock(lock: FoundLock, manifest: PackageManifest): LockTree {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(lock.bytes);
  } catch (cause) {
    throw refuseDependencies(`${lock.file} is not valid UTF-8`, cause);
  }
  const read = lock.read(text, manifest);
  for (const key of ["dependencies", "optionalDependencies"] as const) {
    const difference = firstDifference(manifest[key], read[key]);
    if (difference === undefined) continue;
    const { name, written, locked } = difference;
    throw refuseDependencies(
      `${lock.file} does not match package.json: "${name}" is ${shown(written)} in package.json and ${shown(locked)} in the lockfile; run: ${lock.remedy}`,
    );
  }
  return read.tree;
}

function firstDifference(
  written: WrittenRanges,
  locked: WrittenRanges,
): { name: string; written: string | undefined; locked: string | undefined } | undefined {
  const names = [...new Set([...Object.keys(written), ...Object.keys(locked)])];
  const own = (table: WrittenRanges, name: string): string | undefined =>
    Object.hasOwn(table, name) ? table[name] : undefined;
  const name = names.find((candidate) => own(written, candidate) !== own(locked, candidate));
  if (name === undefined) return undefined;
  return { name, written: own(written, name), locked: own(locked, name) };
}

function shown(range: string | undefined): string {
  return range === undefined ? "absent" : JSON.stringify(range.slice(0, 200));
}
