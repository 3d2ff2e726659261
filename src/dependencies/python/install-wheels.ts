import { refuseDependencies, tooManyDependencies } from "../dependency-error.ts";
import { inParallel } from "../in-parallel.ts";
import { createInstallBudget } from "../install-budget.ts";
import { installLimits } from "../install-limits.ts";
import type { InstalledTree } from "../tree-cache.ts";
import { findWheel, type WheelSources } from "./find-wheel.ts";
import type { MarkerEnvironment } from "./marker.ts";
import { checkNeeds } from "./check-needs.ts";
import { normalizeName, type Requirement } from "./requirements.ts";
import { type UnpackedWheel, unpackWheel } from "./unpack-wheel.ts";

/** Folder of packages below the function's, which the guest puts on Python's search path. */
export const packagesFolder = "vendor";

/**
 * Finds, checks and unpacks the wheels of pinned packages into files below `vendor/`. Nothing of a
 * package runs, and nothing is built.
 */
export async function installWheels(
  sources: WheelSources,
  packages: readonly Requirement[],
  environment: MarkerEnvironment,
  signal: AbortSignal,
): Promise<InstalledTree> {
  const allowsNative = sources.native !== undefined;
  const budget = createInstallBudget();
  const unpacked = new Map<Requirement, UnpackedWheel>();
  await inParallel(
    packages,
    installLimits.downloadsMax,
    async (wanted, stop) => {
      const bytes = await findWheel(sources, wanted, stop);
      const wheel = await unpackWheel(bytes, { what: wanted.shown, budget, allowsNative });
      const { name, version } = wheel.metadata;
      if (normalizeName(name) !== wanted.name) {
        throw refuseDependencies(
          `the wheel of ${wanted.shown} says that it is ${JSON.stringify(`${name}==${version}`.slice(0, 120))}`,
        );
      }
      unpacked.set(wanted, wheel);
    },
    signal,
  );
  checkNeeds(unpacked, environment);
  const names = packages.map(({ shown }) => shown).toSorted();
  return {
    files: merge(packages, unpacked),
    notes: [`${names.length} packages: ${names.join(", ")}`],
  };
}

function merge(
  packages: readonly Requirement[],
  unpacked: ReadonlyMap<Requirement, UnpackedWheel>,
): ReadonlyMap<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const owners = new Map<string, string>();
  for (const wanted of packages) {
    for (const [path, content] of unpacked.get(wanted)?.files ?? []) {
      const place = `${packagesFolder}/${path}`;
      const other = files.get(place);
      if (other !== undefined && Buffer.compare(other, content) !== 0) {
        throw refuseDependencies(`${owners.get(place)} and ${wanted.shown} both have ${path}`);
      }
      files.set(place, content);
      owners.set(place, wanted.shown);
    }
  }
  if (files.size <= installLimits.filesMax) return files;
  throw tooManyDependencies(`they have more than ${installLimits.filesMax} files together`);
}
