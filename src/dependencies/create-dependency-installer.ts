import { createHash } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import type { Runtime } from "../domain/manifest.ts";
import { unavailableDependencies } from "./dependency-error.ts";
import type { DependencyInstaller, Installed, InstallRequest } from "./dependency-installer.ts";
import type { Download } from "./download.ts";
import { Flights } from "./flights.ts";
import { installPackages } from "./npm/install-packages.ts";
import { findLock, type FoundLock, readLock } from "./npm/lockfile.ts";
import type { NpmRegistry } from "./npm/npm-registry.ts";
import {
  hasDependencies,
  type PackageManifest,
  readPackageManifest,
} from "./npm/package-manifest.ts";
import type { Platform } from "./npm/platform.ts";
import { selectPackages } from "./npm/select-packages.ts";
import type { InstalledTree, TreeCache } from "./tree-cache.ts";

export interface InstallerOptions {
  readonly download: Download;
  readonly cache: TreeCache;
  readonly clock: Clock;
  readonly platform: Platform;
  readonly npmRegistry: NpmRegistry;
  /** Longest time that one install may take. */
  readonly timeoutMs: number;
}

/** Part of every cache key: raise it when the same lockfile gives other files. */
const installerVersion = "1";
const noteCharsMax = 16_384;
const javascriptRuntimes: ReadonlySet<Runtime> = new Set(["bun", "node", "deno"]);

interface Outcome {
  readonly tree: InstalledTree;
  readonly cached: boolean;
}

/** Creates the installer of one server. */
export function createDependencyInstaller(options: InstallerOptions): DependencyInstaller {
  const flights = new Flights<Outcome>();
  return {
    async install(request, signal) {
      if (javascriptRuntimes.has(request.runtime)) {
        return installNpm(options, flights, request, signal);
      }
      return { files: request.files, notes: [] };
    },
  };
}

async function installNpm(
  options: InstallerOptions,
  flights: Flights<Outcome>,
  { files }: InstallRequest,
  signal: AbortSignal,
): Promise<Installed> {
  const written = files.get("package.json");
  if (written === undefined) return { files, notes: [] };
  if ([...files.keys()].some((path) => path.startsWith("node_modules/"))) {
    // They came with the upload, from wherever the author has them.
    return { files, notes: [] };
  }
  const manifest = readPackageManifest(written);
  if (!hasDependencies(manifest)) return { files, notes: [] };
  const lock = findLock(files);
  const { clock, platform } = options;
  const startedMs = clock.monotonicMs();
  const key = digestOf([JSON.stringify(platform), lock.file, written, lock.bytes]);
  const { tree, cached } = await flights.run(
    key,
    (stop) => installLocked(options, { manifest, lock, key }, stop),
    signal,
  );
  const took = Math.round(clock.monotonicMs() - startedMs);
  const from = cached ? ", from the cache" : "";
  const [first = "", ...more] = tree.notes;
  return {
    files: new Map([...files, ...tree.files]),
    notes: [`installed ${lock.file} in ${took} ms${from}: ${first}`, ...more].map((note) =>
      note.slice(0, noteCharsMax),
    ),
  };
}

interface Locked {
  readonly manifest: PackageManifest;
  readonly lock: FoundLock;
  readonly key: string;
}

async function installLocked(
  options: InstallerOptions,
  { manifest, lock, key }: Locked,
  signal: AbortSignal,
): Promise<Outcome> {
  const known = await options.cache.get(key);
  if (known !== undefined) return { tree: known, cached: true };
  const selection = selectPackages(readLock(lock, manifest), options.platform, lock.file);
  const tree = await withinTime(options, signal, (limited) =>
    installPackages(
      { download: options.download, registry: options.npmRegistry },
      selection,
      limited,
    ),
  );
  await options.cache.put(key, tree);
  return { tree, cached: false };
}

/** Runs work that listens to its signal, and aborts it when the time is up. */
async function withinTime<T>(
  { clock, timeoutMs }: InstallerOptions,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const limited = new AbortController();
  const abort = (): void => limited.abort(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  const timer = clock.after(timeoutMs, () =>
    limited.abort(
      unavailableDependencies(
        `it took longer than ${timeoutMs} ms (functions.install_timeout_ms) to fetch them`,
      ),
    ),
  );
  try {
    return await work(limited.signal);
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", abort);
  }
}

function digestOf(parts: readonly (string | Uint8Array)[]): string {
  const digest = createHash("sha256").update(`reactor-install-${installerVersion}`);
  for (const part of parts) {
    const bytes = Buffer.from(part);
    digest.update(`\n${bytes.length}\n`).update(bytes);
  }
  return digest.digest("hex");
}
