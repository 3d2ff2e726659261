import { refuseDependencies, tooManyDependencies } from "../dependency-error.ts";
import { installLimits } from "../install-limits.ts";
import { findInTree, type LockedPackage, type LockTree } from "./lock-tree.ts";
import { misfit, type Platform } from "../platform.ts";

export interface SelectedPackage {
  /** Folder below the function's, `node_modules/a/node_modules/b`. */
  readonly path: string;
  readonly locked: LockedPackage;
  /** Whether everything that needs it can do without it. */
  readonly optional: boolean;
}

export interface Selection {
  readonly packages: readonly SelectedPackage[];
  /** What was left out and why, one sentence each. */
  readonly skipped: readonly string[];
}

/**
 * What of a lockfile's tree the function itself needs: no development dependencies, and no optional
 * ones that are for another platform. `bundle_invalid` when something needed is not in the lock or
 * does not fit.
 */
export function selectPackages(tree: LockTree, platform: Platform, file: string): Selection {
  const { packages } = tree;
  const visited = new Map<string, boolean>();
  const skipped: string[] = [];
  let visits = 0;
  const visit = (from: string, name: string, need: "required" | "optional" | "peer"): void => {
    visits += 1;
    if (visits > installLimits.needsMax) {
      throw tooManyDependencies(
        `the packages of ${file} need one another more than ${installLimits.needsMax} times`,
      );
    }
    const path = findInTree(packages, from, name);
    const locked = path === undefined ? undefined : packages.get(path);
    if (path === undefined || locked === undefined) {
      if (need === "required") throw incomplete(file, from, name);
      return;
    }
    const known = visited.has(path);
    const optional = need === "optional" || visited.get(from) === true;
    if (known) return;
    const fault = misfit(locked, platform);
    if (fault !== undefined) {
      const what = `${locked.name}@${locked.version} is ${fault}`;
      if (!optional)
        throw refuseDependencies(`${what}; this server is ${platform.os} ${platform.cpu}`);
      skipped.push(what);
      return;
    }
    visited.set(path, optional);
    if (visited.size > installLimits.packagesMax) {
      throw tooManyDependencies(`${file} needs more than ${installLimits.packagesMax} packages`);
    }
  };
  // First what is needed in any case, so that nothing of it counts as optional later on.
  for (const name of tree.root.required) visit("", name, "required");
  for (const path of visited.keys()) {
    const { needs } = packages.get(path) ?? { needs: tree.root };
    for (const name of needs.required) visit(path, name, "required");
    for (const name of needs.peers) visit(path, name, "peer");
  }
  const needed = [...visited.keys()];
  for (const name of tree.root.optional) visit("", name, "optional");
  for (const path of needed) {
    for (const name of packages.get(path)?.needs.optional ?? []) visit(path, name, "optional");
  }
  for (const [path, optional] of visited) {
    if (!optional) continue;
    const { needs } = packages.get(path) ?? { needs: tree.root };
    for (const name of [...needs.required, ...needs.peers, ...needs.optional]) {
      visit(path, name, "optional");
    }
  }
  const chosen = [...visited].flatMap(([path, optional]) => {
    const locked = packages.get(path);
    return locked === undefined ? [] : [{ path, locked, optional }];
  });
  return { packages: chosen, skipped: [...new Set(skipped)] };
}

function incomplete(file: string, from: string, name: string): Error {
  const who = from === "" ? "package.json" : from;
  return refuseDependencies(
    `${file} is incomplete: ${who} needs "${name}", which is not in it; make the lockfile anew`,
  );
}
