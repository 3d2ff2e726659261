import type { Download } from "../download.ts";
import { refuseDependencies, tooManyDependencies } from "../dependency-error.ts";
import type { InstallBudget } from "../install-budget.ts";
import { installLimits } from "../install-limits.ts";
import { matchesIntegrity, parseIntegrity } from "../integrity.ts";
import { inParallel } from "../in-parallel.ts";
import type { InstalledTree } from "../tree-cache.ts";
import { type AddonRule, addonRefusal, installScripts } from "./native-code.ts";
import type { NpmRegistry } from "./npm-registry.ts";
import type { SelectedPackage, Selection } from "./select-packages.ts";
import { unpackPackage } from "./unpack-package.ts";

export interface InstallPackages {
  readonly download: Download;
  readonly registry: NpmRegistry;
  readonly budget: InstallBudget;
  readonly addons: AddonRule;
}

type PackageFiles = ReadonlyMap<string, Uint8Array>;

/**
 * Fetches, checks and unpacks packages into files below node_modules. Nothing of a package runs, now
 * or later: what an install script would have made is not there.
 */
export async function installPackages(
  options: InstallPackages,
  selection: Selection,
  signal: AbortSignal,
): Promise<InstalledTree> {
  const archives = distinctArchives(selection.packages);
  const unpacked = new Map<string, PackageFiles>();
  await inParallel(
    [...archives],
    installLimits.downloadsMax,
    async ([key, selected], stop) => {
      unpacked.set(key, await fetchPackage({ ...options, selected }, stop));
    },
    signal,
  );
  return assemble(selection, unpacked, options.addons);
}

/** One of the places of each archive: the same version often lies in several. */
function distinctArchives(packages: readonly SelectedPackage[]): Map<string, SelectedPackage> {
  const found = new Map<string, SelectedPackage>();
  for (const selected of packages) {
    if (!selected.locked.bundled) found.set(archiveKey(selected), selected);
  }
  return found;
}

function archiveKey({ locked }: SelectedPackage): string {
  return JSON.stringify([locked.name, locked.version, locked.url, locked.integrity]);
}

async function fetchPackage(
  options: InstallPackages & { selected: SelectedPackage },
  signal: AbortSignal,
): Promise<PackageFiles> {
  const { download, registry, selected, budget } = options;
  const { locked } = selected;
  const what = `${locked.name}@${locked.version}`;
  const integrity = parseIntegrity(locked.integrity ?? "");
  if (integrity === undefined) {
    throw refuseDependencies(
      `the lockfile has no SHA-2 integrity for ${what}, so that nobody can say whether it is the right one; make the lockfile anew`,
    );
  }
  const url = await registry.urlOf(locked);
  const bytesMax = installLimits.packedBytesMax;
  const archive = await download({ url, what, bytesMax }, signal);
  if (!matchesIntegrity(archive, integrity)) {
    throw refuseDependencies(
      `${what} has other content than the lockfile says (integrity mismatch, ${integrity.algorithm}); what was fetched was dropped`,
    );
  }
  return unpackPackage(archive, what, budget);
}

function assemble(
  selection: Selection,
  unpacked: ReadonlyMap<string, PackageFiles>,
  addons: AddonRule,
): InstalledTree {
  const files = new Map<string, Uint8Array>();
  const skipped = [...selection.skipped];
  const names: string[] = [];
  const withScripts: string[] = [];
  // From the outside in: what the lock puts inside of a package wins over what that package brings.
  const ordered = selection.packages.toSorted((a, b) => a.path.length - b.path.length);
  for (const selected of ordered) {
    const { locked, path, optional } = selected;
    const what = `${locked.name}@${locked.version}`;
    const own = unpacked.get(archiveKey(selected));
    if (own === undefined) {
      if (locked.bundled) names.push(what);
      continue;
    }
    const refusal = addonRefusal(own, addons);
    if (refusal !== undefined) {
      if (!optional) throw nativeRefusal(what, path, refusal);
      skipped.push(`${what} is a native addon (${refusal})`);
      continue;
    }
    names.push(what);
    if (installScripts(own).length > 0) withScripts.push(what);
    for (const [name, content] of own) files.set(`${path}/${name}`, content);
    if (files.size > installLimits.filesMax) {
      throw tooManyDependencies(`they have more than ${installLimits.filesMax} files together`);
    }
  }
  const list = [...new Set(names)].toSorted();
  return {
    files,
    notes: [
      `${list.length} packages: ${list.join(", ")}`,
      ...(skipped.length === 0 ? [] : [`left out: ${skipped.join("; ")}`]),
      ...(withScripts.length === 0
        ? []
        : [
            `install scripts that were not run: ${[...new Set(withScripts)].toSorted().join(", ")}`,
          ]),
    ],
  };
}

function nativeRefusal(what: string, path: string, refusal: string): Error {
  return refuseDependencies(
    `${what} (${path}) is a native addon: ${refusal}; use a package written in JavaScript or WebAssembly`,
  );
}
