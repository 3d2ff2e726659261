import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { runTool } from "../../process/run-tool.ts";
import { findTool } from "../../process/sandbox-probe.ts";
import { openDraft, sweepDrafts } from "./drafts.ts";
import { imageFailure } from "./image-failure.ts";
import { runImageTool } from "./image-tools.ts";

/** A kernel with its modules. */
export interface Kernel {
  /** As `uname -r` says it. */
  readonly version: string;
  readonly imagePath: string;
  readonly modulesPath: string;
}

export const kernelPackage = "linux-image-cloud-amd64";
const remedy = `apt-get update && apt-get install ${kernelPackage}, or make Debian's packages reachable`;
const lookTimeoutMs = 60_000;
const cloudName = /-cloud-amd64$/;

/**
 * Finds a kernel: one for cloud machines that is installed, else the one of Debian's packages that apt
 * knows of, fetched into `<folder>/kernels` once and unpacked, not installed; else the newest that
 * was fetched before, or any that is installed. What fetches that were killed left goes. No privilege
 * is needed. Throws with the remedy.
 */
export async function findKernel(folder: string): Promise<Kernel> {
  const kernels = join(folder, "kernels");
  await sweepDrafts(kernels);
  const installed = kernelsIn("/");
  const cloud = installed.find(({ version }) => cloudName.test(version));
  if (cloud !== undefined) return cloud;
  const { kernel, reason } = await packagedKernel(kernels);
  const found = kernel ?? fetchedKernels(kernels).at(0) ?? installed.at(0);
  if (found !== undefined) return found;
  throw imageFailure(`Cannot build an image: there is no kernel (${reason})`, remedy);
}

/** A kernel that is here without anything being fetched, for telling what is missing. */
export function kernelAtHand(folder: string): Kernel | undefined {
  return [...kernelsIn("/"), ...fetchedKernels(join(folder, "kernels"))].at(0);
}

/** Where apt keeps what it knows, and how the names of its lists of packages end, packed or not. */
const aptLists = "/var/lib/apt/lists";
const packageList = /_Packages(\.\w+)?$/;

/** Why apt cannot know a kernel; undefined when it may. Only looks for files, so it takes no time. */
export function whyNoKernelIsKnown(): "no apt" | "no lists" | undefined {
  if (aptTools() === undefined) return "no apt";
  return namesIn(aptLists).some((name) => packageList.test(name)) ? undefined : "no lists";
}

/**
 * Whether apt could fetch a kernel, as far as it knows without a network. Takes seconds where apt
 * keeps no cache of its lists, as in Debian's container images.
 */
export async function isKernelKnown(): Promise<boolean> {
  return "file" in (await candidate());
}

interface Packaged {
  readonly kernel: Kernel | undefined;
  /** Why there is none. */
  readonly reason: string;
}

async function packagedKernel(kernels: string): Promise<Packaged> {
  const wanted = await candidate();
  if ("reason" in wanted) return { kernel: undefined, reason: wanted.reason };
  const target = join(kernels, wanted.file.replace(/\.deb$/, ""));
  try {
    if (!existsSync(target)) await fetchKernel(kernels, wanted.name, target);
    return { kernel: kernelsIn(target).at(0), reason: `${wanted.file} holds none` };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // apt warns a lot; this line is why it failed.
    const [, reason = message] = /^E: (.+)$/m.exec(message) ?? [];
    return { kernel: undefined, reason };
  }
}

function aptTools(): { readonly cache: string; readonly get: string } | undefined {
  const [cache, get, dpkg] = ["apt-cache", "apt-get", "dpkg"].map(findTool);
  const isThere = cache !== undefined && get !== undefined && dpkg !== undefined;
  return isThere ? { cache, get } : undefined;
}

type Candidate =
  | { readonly name: string; readonly file: string }
  | { readonly name?: never; readonly reason: string };

/** The kernel's package and the name of its file with its version, by apt's lists. */
async function candidate(): Promise<Candidate> {
  const apt = aptTools();
  if (apt === undefined) {
    return { reason: "no kernel for cloud machines is installed, and this machine has no apt" };
  }
  const { cache, get } = apt;
  const options = { timeoutMs: lookTimeoutMs };
  const depends = await runTool(cache, ["depends", "--important", kernelPackage], options);
  const [, name] = /Depends: (linux-image-\S+)/.exec(depends.stdout) ?? [];
  if (name === undefined) return { reason: `apt's lists have no ${kernelPackage}` };
  const uris = await runTool(get, ["download", "--print-uris", "-qq", name], options);
  const [, file] = /^'\S+' (linux-image-[\w.%+~-]+\.deb) /m.exec(uris.stdout) ?? [];
  if (file === undefined) return { reason: `apt does not say where ${name} is` };
  return { name, file };
}

/** Whoever is first at `target` wins. */
async function fetchKernel(kernels: string, name: string, target: string): Promise<void> {
  const [get, dpkg, env] = ["apt-get", "dpkg", "env"].map(findTool);
  if (get === undefined || dpkg === undefined || env === undefined) {
    throw new Error("this machine has no apt");
  }
  const draft = await openDraft(kernels);
  try {
    // It checks the package by the signed lists.
    const options = ["-qq", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20"];
    await runImageTool(env, ["-C", draft, get, "download", ...options, name]);
    const file = readdirSync(draft).find((entry) => entry.endsWith(".deb"));
    if (file === undefined) throw new Error(`apt-get download ${name} left no package`);
    const unpacked = join(draft, "unpacked");
    await runImageTool(dpkg, ["-x", join(draft, file), unpacked]);
    await rename(unpacked, target).catch((error: unknown) => {
      if (!existsSync(target)) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Kernels that were fetched, the newest first. */
function fetchedKernels(kernels: string): readonly Kernel[] {
  return namesIn(kernels)
    .filter((name) => name.startsWith("linux-image-"))
    .sort(newestFirst)
    .flatMap((name) => kernelsIn(join(kernels, name)));
}

/** Kernels below `root` that this user may read and whose modules are there, the newest first. */
function kernelsIn(root: string): readonly Kernel[] {
  return namesIn(join(root, "boot"))
    .filter((name) => name.startsWith("vmlinuz-"))
    .sort(newestFirst)
    .map((name) => {
      const version = name.slice("vmlinuz-".length);
      const modulesPath = join(root, "lib/modules", version);
      return { version, imagePath: join(root, "boot", name), modulesPath };
    })
    .filter(({ imagePath, modulesPath }) => isReadable(imagePath) && existsSync(modulesPath));
}

function newestFirst(a: string, b: string): number {
  return b.localeCompare(a, "en", { numeric: true });
}

function namesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    // Some systems keep their kernels to root.
    return false;
  }
}
