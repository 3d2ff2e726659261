import { installLimits } from "../install-limits.ts";
import { isPackageName } from "./package-name.ts";

/** Ranges by name, as one table of a package.json writes them. */
export type WrittenRanges = Readonly<Record<string, string>>;

/** Names of packages that another one needs, by how much it needs them. */
export interface LockedNeeds {
  /** Must be there. */
  readonly required: readonly string[];
  /** Left out when they do not fit this machine or are not in the lock. */
  readonly optional: readonly string[];
  /** Brought by somebody else; taken along when they are in the lock. */
  readonly peers: readonly string[];
}

/** One package at one place of the tree that a lockfile describes. */
export interface LockedPackage {
  /** Its name in the registry, which an alias hides. */
  readonly name: string;
  readonly version: string;
  /** Subresource integrity, as the lockfile has it; absent for what comes inside another package. */
  readonly integrity: string | undefined;
  /** Where the lockfile says that it is, when it says so. */
  readonly url: string | undefined;
  readonly needs: LockedNeeds;
  /** `os`, `cpu` and `libc` as packages write them; empty: all. */
  readonly os: readonly string[];
  readonly cpu: readonly string[];
  readonly libc: readonly string[];
  /** Its files are inside of the package above it. */
  readonly bundled: boolean;
}

/** What a lockfile describes: packages by their folder, `node_modules/a/node_modules/b`. */
export interface LockTree {
  readonly root: LockedNeeds;
  readonly packages: ReadonlyMap<string, LockedPackage>;
}

/** What a reader of a lockfile gives: the tree, and the ranges that the lock was made for. */
export interface ReadLock {
  readonly tree: LockTree;
  readonly dependencies: WrittenRanges;
  readonly optionalDependencies: WrittenRanges;
}

/**
 * The folder below node_modules of a package that lies inside of the others before it. Undefined when
 * a name is none, or there are more than any project has.
 */
export function folderOfNames(names: readonly string[]): string | undefined {
  const plain = names.length > 0 && names.length <= installLimits.depthMax;
  if (!plain || !names.every(isPackageName)) return undefined;
  return names.map((name) => `node_modules/${name}`).join("/");
}

/** The folder that a package in `folder` ("" is the function's) finds under a name, by Node's rule. */
export function findInTree(
  packages: ReadonlyMap<string, unknown>,
  folder: string,
  name: string,
): string | undefined {
  for (let dir = folder; ; dir = parentPackage(dir)) {
    const path = dir === "" ? `node_modules/${name}` : `${dir}/node_modules/${name}`;
    if (packages.has(path)) return path;
    if (dir === "") return undefined;
  }
}

/** The package that holds the one in `folder`; "" is the function itself. */
function parentPackage(folder: string): string {
  const at = folder.lastIndexOf("/node_modules/");
  return at === -1 ? "" : folder.slice(0, at);
}
