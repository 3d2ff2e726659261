import type { Download } from "../download.ts";
import type { InstallPlan } from "../install-plan.ts";
import { installPackages } from "./install-packages.ts";
import { findLock, readLock } from "./lockfile.ts";
import type { NpmRegistry } from "./npm-registry.ts";
import { hasDependencies, readPackageManifest } from "./package-manifest.ts";
import type { Platform } from "../platform.ts";
import { selectPackages } from "./select-packages.ts";

export interface NpmOptions {
  readonly download: Download;
  readonly platform: Platform;
  readonly npmRegistry: NpmRegistry;
}

/** What a JavaScript function's lockfile asks for; undefined when there is nothing to install. */
export function planNpm(
  { download, platform, npmRegistry }: NpmOptions,
  files: ReadonlyMap<string, Uint8Array>,
): InstallPlan | undefined {
  // Packages that came with the upload are used as they are.
  if ([...files.keys()].some((path) => path.startsWith("node_modules/"))) return undefined;
  const written = files.get("package.json");
  if (written === undefined) return undefined;
  const manifest = readPackageManifest(written);
  if (!hasDependencies(manifest)) return undefined;
  const lock = findLock(files);
  return {
    file: lock.file,
    madeFrom: [JSON.stringify(platform), written, lock.bytes],
    make: (signal) =>
      installPackages(
        { download, registry: npmRegistry },
        selectPackages(readLock(lock, manifest), platform, lock.file),
        signal,
      ),
    spends: () => false,
  };
}
