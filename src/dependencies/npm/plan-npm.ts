import { refuseDependencies } from "../dependency-error.ts";
import type { InstallRequest } from "../dependency-installer.ts";
import type { Download } from "../download.ts";
import type { InstallPlan } from "../install-plan.ts";
import { createInstallBudget } from "../install-budget.ts";
import { installJsr } from "../jsr/install-jsr.ts";
import { hasJsrPackages, readJsrLock } from "../jsr/jsr-lock.ts";
import type { InstalledTree } from "../tree-cache.ts";
import { denoLockHasPackages, parseDenoLock } from "./deno-lock.ts";
import { type AddonRule, addonRule } from "./native-code.ts";
import { installPackages } from "./install-packages.ts";
import { findDenoLock, findLock, type FoundLock, readLock } from "./lockfile.ts";
import type { NpmRegistry } from "./npm-registry.ts";
import { hasDependencies, type PackageManifest, readPackageManifest } from "./package-manifest.ts";
import type { Platform } from "../platform.ts";
import { selectPackages } from "./select-packages.ts";

export interface NpmOptions {
  readonly download: Download;
  readonly platform: Platform;
  readonly npmRegistry: NpmRegistry;
  /** Setting `functions.jsr_registry`. */
  readonly jsrRegistry: string | undefined;
  /** Setting `functions.native_addons`. */
  readonly nativeAddons: boolean;
}

const emptyManifest = Buffer.from("{}");

/** What a JavaScript function's lockfile asks for; undefined when there is nothing to install. */
export function planNpm(
  options: NpmOptions,
  { runtime, files }: InstallRequest,
): InstallPlan | undefined {
  // Packages that came with the upload are used as they are.
  if ([...files.keys()].some((path) => path.startsWith("node_modules/"))) return undefined;
  const written = files.get("package.json") ?? emptyManifest;
  const manifest = readPackageManifest(written);
  const denoLock = runtime === "deno" ? findDenoLock(files) : undefined;
  const denoJson = denoLock && parseDenoLock(new TextDecoder().decode(denoLock.bytes));
  const inDenoLock = denoLock !== undefined && denoLockHasPackages(denoJson);
  if (!hasDependencies(manifest) && !inDenoLock) return undefined;
  const lock = inDenoLock ? denoLock : findLock(files);
  const fromJsr = inDenoLock && hasJsrPackages(denoJson);
  const jsrRegistry = fromJsr ? requireJsrRegistry(options, denoJson) : undefined;
  const addons = addonRule(runtime, options.nativeAddons);
  return {
    file: lock.file,
    madeFrom: [JSON.stringify([options.platform, addons]), written, lock.bytes],
    make: (signal) =>
      makeTree({ ...options, jsrRegistry }, { lock, manifest, denoJson, addons }, signal),
    spends: () => false,
  };
}

/** Before the cache is asked, so that the answer does not depend on what was deployed earlier. */
function requireJsrRegistry({ jsrRegistry }: NpmOptions, denoJson: unknown): string {
  if (jsrRegistry !== undefined) return jsrRegistry;
  const [id = ""] = readJsrLock(denoJson).packages.keys();
  throw refuseDependencies(
    `deno.lock has ${id} of jsr, and this server knows no registry of jsr; the operator sets functions.jsr_registry`,
  );
}

interface PlannedTree {
  readonly lock: FoundLock;
  readonly manifest: PackageManifest;
  /** The lock as JSON, when it is Deno's. */
  readonly denoJson: unknown;
  readonly addons: AddonRule;
}

async function makeTree(
  { download, platform, npmRegistry, jsrRegistry }: NpmOptions,
  { lock, manifest, denoJson, addons }: PlannedTree,
  signal: AbortSignal,
): Promise<InstalledTree> {
  const selection = selectPackages(readLock(lock, manifest), platform, lock.file);
  const budget = createInstallBudget();
  const npm = (): Promise<InstalledTree> =>
    installPackages({ download, registry: npmRegistry, budget, addons }, selection, signal);
  if (jsrRegistry === undefined) return npm();
  const jsr = await installJsr(
    { download, registry: jsrRegistry, budget },
    readJsrLock(denoJson),
    signal,
  );
  if (selection.packages.length === 0) return jsr;
  const { files, notes } = await npm();
  return { files: new Map([...files, ...jsr.files]), notes: [...notes, ...jsr.notes] };
}
