import { mkdirSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../../base/clock.ts";
import { bunRuntime } from "../../bun/bun-runtime.ts";
import { findBunBinary } from "../../bun/find-bun-binary.ts";
import { findNodeBinary } from "../../node/find-node-binary.ts";
import { nodeRuntime } from "../../node/node-runtime.ts";
import { findPython } from "../../python/find-python.ts";
import { libraryFolders } from "../../python/library-folders.ts";
import { pythonRuntime } from "../../python/python-runtime.ts";
import { buildImage } from "./build-image.ts";
import { findKernel, isKernelKnown, type Kernel, kernelAtHand } from "./find-kernel.ts";
import type { ImageSource } from "./image-source.ts";
import { lookForTools } from "./image-tools.ts";
import type { MicrovmImage } from "./microvm-image.ts";
import { enterTestCache } from "./test-cache.harness.ts";

/** Kernels, images and templates that tests have made; the same for every run on a machine. */
export const testImageFolder = join(tmpdir(), "reactor-test-microvm");
const imageBytesMax = 1024 * 1024 * 1024;
/** What the templates in there may take: those of one state of the sources are 1.5 GiB. */
export const testTemplateBytesMax = 2 * 1024 * 1024 * 1024;

/** Makes a folder with templates of its own, and the tests' images and kernels. */
export function openOwnFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of ["images", "kernels"]) {
    mkdirSync(join(testImageFolder, name), { recursive: true, mode: 0o700 });
    symlinkSync(join(testImageFolder, name), join(folder, name));
  }
}

const mayFetch = process.env["CI"] === "true" && process.getuid?.() === 0;

/** Why no microVM can be booted here; undefined when one can. */
export const microvmMissing: string | undefined = await whatIsMissing();
if (microvmMissing === undefined) {
  const bytesMax = imageBytesMax;
  await enterTestCache({ folder: testImageFolder, bytesMax, pid: process.pid });
}

async function whatIsMissing(): Promise<string | undefined> {
  if (process.platform !== "linux" || process.arch !== "x64") return "boots an x86-64 machine";
  const { missing } = await lookForTools();
  const programs = missing.map(({ name }) => name as string);
  if (Bun.which("qemu-system-x86_64") === null) programs.push("qemu-system-x86_64");
  if (programs.length > 0) return `needs ${programs.join(", ")}, which test/prepare installs in CI`;
  return kernelMissing();
}

/** Why there is no kernel for tests; undefined when there is one, or it may be fetched. */
export async function kernelMissing(): Promise<string | undefined> {
  if (kernelAtHand(testImageFolder) !== undefined) return undefined;
  if (mayFetch && (await isKernelKnown())) return undefined;
  return `needs a kernel in ${testImageFolder}, which CI=true as root unpacks from Debian's packages`;
}

/** Builds the image where the tests keep theirs, or finds it there. */
export async function buildTestImage(source: ImageSource): Promise<MicrovmImage> {
  const { signal } = new AbortController();
  const kernel = await testKernel();
  const order = { folder: testImageFolder, source, kernel, clock: systemClock, signal };
  return (await buildImage(order)).image;
}

/** The kernel that tests boot; apt, which takes seconds, is asked only when there is none. */
export async function testKernel(): Promise<Kernel> {
  return kernelAtHand(testImageFolder) ?? findKernel(testImageFolder);
}

const places = {
  packageRoots: [join(import.meta.dirname, "../../../..")],
  setting: undefined,
  searchPath: process.env["PATH"],
};

export function bunSource(): ImageSource {
  return { runtime: bunRuntime({ runtimeBinary: findBunBinary(places) }), folders: [] };
}

export function nodeSource(): ImageSource {
  return { runtime: nodeRuntime({ runtimeBinary: findNodeBinary(places) }), folders: [] };
}

export async function pythonSource(): Promise<ImageSource> {
  const installation = findPython(places);
  return {
    runtime: pythonRuntime(installation),
    folders: await libraryFolders(installation),
  };
}
