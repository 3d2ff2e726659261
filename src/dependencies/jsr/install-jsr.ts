import { createHash } from "node:crypto";
import type { Download } from "../download.ts";
import { refuseDependencies, tooManyDependencies } from "../dependency-error.ts";
import { inParallel } from "../in-parallel.ts";
import type { InstallBudget } from "../install-budget.ts";
import { installLimits } from "../install-limits.ts";
import type { InstalledTree } from "../tree-cache.ts";
import type { JsrLock, LockedJsrPackage } from "./jsr-lock.ts";
import { relativeImports } from "./relative-imports.ts";
import { readVersionMetadata, type VersionMetadata } from "./version-metadata.ts";

export interface InstallJsr {
  readonly download: Download;
  /** Setting `functions.jsr_registry`. */
  readonly registry: string;
  readonly budget: InstallBudget;
}

/** Where packages of jsr are; no package of npm can have that name. */
const jsrFolder = "node_modules/.jsr";

interface OpenPackage {
  readonly id: string;
  readonly url: string;
  readonly metadata: VersionMetadata;
  /** Files that are there or being fetched. */
  readonly wanted: Set<string>;
}

interface WantedFile {
  readonly pack: OpenPackage;
  readonly path: string;
}

/**
 * Fetches the packages of jsr that a lockfile names: each version's metadata, checked against the
 * lockfile, and then the files that its exports reach, each checked against the metadata. They go to
 * `node_modules/.jsr/@scope/name@version/`; `node_modules/.jsr/imports.json` says for the bundler
 * where each import leads.
 */
export async function installJsr(
  options: InstallJsr,
  lock: JsrLock,
  signal: AbortSignal,
): Promise<InstalledTree> {
  const packages = new Map<string, OpenPackage>();
  await inParallel(
    [...lock.packages],
    installLimits.downloadsMax,
    async ([id, locked], stop) => {
      packages.set(id, await openPackage(options, id, locked, stop));
    },
    signal,
  );
  const ids = [...packages.keys()].toSorted();
  const files = new Map<string, Uint8Array>();
  let wanted = [...packages.values()].flatMap((pack) =>
    [...pack.metadata.exports.values()].flatMap((path) => want(pack, path)),
  );
  while (wanted.length > 0) {
    const reached: WantedFile[] = [];
    await inParallel(
      wanted,
      installLimits.downloadsMax,
      async ({ pack, path }, stop) => {
        const content = await fetchFile(options, { pack, path }, stop);
        files.set(`${jsrFolder}/${pack.id}/${path}`, content);
        const imports = relativeImports(path, content, (next) => pack.metadata.files.has(next));
        reached.push(...imports.flatMap((next) => want(pack, next)));
      },
      signal,
    );
    wanted = reached;
  }
  const ordered = [...files].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return {
    files: new Map([...ordered, [`${jsrFolder}/imports.json`, importsOf(lock, packages)]]),
    notes: [`${ids.length} packages of jsr: ${ids.join(", ")}`],
  };
}

/** The file, unless it is already on its way. */
function want(pack: OpenPackage, path: string): readonly WantedFile[] {
  if (pack.wanted.has(path)) return [];
  pack.wanted.add(path);
  return [{ pack, path }];
}

async function openPackage(
  { download, registry, budget }: InstallJsr,
  id: string,
  { name, version, sha256 }: LockedJsrPackage,
  signal: AbortSignal,
): Promise<OpenPackage> {
  const url = `${registry.replace(/\/+$/, "")}/${name}/${version}`;
  const what = `${id} of jsr`;
  const bytesMax = installLimits.metadataBytesMax;
  const bytes = await download({ url: `${url}_meta.json`, what, bytesMax }, signal);
  if (sha256Of(bytes) !== sha256) {
    throw refuseDependencies(
      `${what} has other metadata than the lockfile says (integrity mismatch, sha256); what was fetched was dropped`,
    );
  }
  // It is held in memory as the files are.
  budget.addBytes(bytes.length);
  return { id, url, metadata: readVersionMetadata(bytes, what), wanted: new Set() };
}

async function fetchFile(
  { download, budget }: InstallJsr,
  { pack, path }: WantedFile,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const what = `${pack.id}/${path} of jsr`;
  const { sizeBytes = 0, sha256 = "" } = pack.metadata.files.get(path) ?? {};
  if (sizeBytes > installLimits.packedBytesMax) {
    throw tooManyDependencies(`${what} has more than ${installLimits.packedBytesMax} bytes`);
  }
  // Before it is fetched: what comes has at most the size that it must have.
  budget.addFile();
  budget.addBytes(sizeBytes);
  const url = `${pack.url}/${encodeURI(path).replace(/[?#]/g, encodeURIComponent)}`;
  const content = await download({ url, what, bytesMax: sizeBytes }, signal);
  if (sha256Of(content) === sha256) return content;
  throw refuseDependencies(
    `${what} has other content than its metadata says (integrity mismatch, sha256); what was fetched was dropped`,
  );
}

/** What each import `jsr:` leads to, for the bundler. */
function importsOf(lock: JsrLock, packages: ReadonlyMap<string, OpenPackage>): Buffer {
  const folders = Object.fromEntries(
    [...packages].map(([id, { metadata }]) => [id, Object.fromEntries(metadata.exports)]),
  );
  return Buffer.from(
    JSON.stringify({ specifiers: Object.fromEntries(lock.specifiers), packages: folders }),
  );
}

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
