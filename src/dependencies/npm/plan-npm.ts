import type { InstallRequest } from "../dependency-installer.ts";
import type { Download } from "../download.ts";
import type { InstallPlan } from "../install-plan.ts";
import { denoLockHasPackages } from "./deno-lock.ts";
import { installPackages } from "./install-packages.ts";
import { findDenoLock, findLock, readLock } from "./lockfile.ts";
import type { NpmRegistry } from "./npm-registry.ts";
import { hasDependencies, readPackageManifest } from "./package-manifest.ts";
import type { Platform } from "../platform.ts";
import { selectPackages } from "./select-packages.ts";

export interface NpmOptions {
  readonly download: Download;
  readonly platform: Platform;
  readonly npmRegistry: NpmRegistry;
}

const emptyManifest = Buffer.from("{}");

/** What a JavaScript function's lockfile asks for; undefined when there is nothing to install. */
export function planNpm(
  { download, platform, npmRegistry }: NpmOptions,
  { runtime, files }: InstallRequest,
): InstallPlan | undefined {
  // Packages that came with the upload are used as they are.
  if ([...files.keys()].some((path) => path.startsWith("node_modules/"))) return undefined;
  const written = files.get("package.json") ?? emptyManifest;
  const manifest = readPackageManifest(written);
  const denoLock = runtime === "deno" ? findDenoLock(files) : undefined;
  const inDenoLock = denoLock !== undefined && denoLockHasPackages(denoLock.bytes);
  if (!hasDependencies(manifest) && !inDenoLock) return undefined;
  const lock = inDenoLock ? denoLock : findLock(files);
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
