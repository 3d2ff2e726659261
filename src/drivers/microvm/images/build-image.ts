import { existsSync } from "node:fs";
import { copyFile, open, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../../base/clock.ts";
import { sha256Hex } from "../../../base/digest.ts";
import { runTool } from "../../process/run-tool.ts";
import { collectRoot } from "./collect-root.ts";
import { fileDigest } from "./file-digest.ts";
import type { Kernel } from "./find-kernel.ts";
import { imageFailure } from "./image-failure.ts";
import type { ImageSource } from "./image-source.ts";
import { openDraft, sweepDrafts } from "./drafts.ts";
import { checkImage, listImages, removeImage } from "./image-store.ts";
import { findImageTools, type ImageTools } from "./image-tools.ts";
import { makeInitramfs } from "./make-initramfs.ts";
import {
  type ImageFile,
  type ImageRecord,
  imageFiles,
  imageIn,
  type MicrovmImage,
  recordFile,
} from "./microvm-image.ts";
import type { RootEntry } from "./root-tree.ts";
import { sourceDigest } from "./source-digest.ts";
import { writeExt4 } from "./write-ext4.ts";

/** The agent speaks by ports of its own, so the console is the kernel's; a panic ends the machine. */
const kernelArgs = "console=ttyS0 quiet panic=-1 reboot=t";
const versionTimeoutMs = 30_000;

export interface ImageOrder {
  /** Where images and kernels are kept, `<data>/microvm`. */
  readonly folder: string;
  readonly source: ImageSource;
}

export interface BuildOrder extends ImageOrder {
  /** What `findKernel` found. */
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface BuiltImage {
  readonly image: MicrovmImage;
  /** False when it was there already. */
  readonly isNew: boolean;
}

/**
 * The image of a runtime as it is on this machine, made if it is not there: kernel, first file system
 * and root. Needs neither privilege nor network. Throws `unsupported_runtime` with the remedy when
 * something is missing.
 */
export async function buildImage(order: BuildOrder): Promise<BuiltImage> {
  const tools = await findImageTools();
  const { entries, digest } = await describeRoot(order.source, tools);
  order.signal.throwIfAborted();
  const images = join(order.folder, "images");
  await sweepDrafts(images);
  const present = (await imagesOf(order, digest)).find(
    ({ kernelVersion }) => kernelVersion === order.kernel.version,
  );
  if (present !== undefined) {
    if (await isSound(present)) return { image: present, isNew: false };
    await removeImage(present);
  }
  const draft = await openDraft(images);
  try {
    const record = await fillDraft({ draft, order, tools, entries, digest });
    order.signal.throwIfAborted();
    const id = idOf(record);
    const folder = join(images, id);
    await rename(draft, folder).catch((error: unknown) => {
      // Another build of the same was faster.
      if (!existsSync(folder)) throw error;
    });
    return { image: imageIn(folder, id, record), isNew: true };
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/**
 * The newest image that has this very runtime, guest and agent in it, every byte checked; undefined
 * when none was built. Throws when it is damaged.
 */
export async function findImage(order: ImageOrder): Promise<MicrovmImage | undefined> {
  const { digest } = await describeRoot(order.source, await findImageTools());
  const [image] = await imagesOf(order, digest);
  if (image !== undefined) await checkImage(image);
  return image;
}

/** Digest of what the root of a runtime's image would hold now. */
export async function rootDigest(source: ImageSource): Promise<string> {
  return (await describeRoot(source, await findImageTools())).digest;
}

async function describeRoot(source: ImageSource, tools: ImageTools) {
  const tree = await collectRoot(source, tools);
  const entries = tree.entries();
  return { entries, digest: await sourceDigest(entries) };
}

async function imagesOf(order: ImageOrder, digest: string): Promise<readonly MicrovmImage[]> {
  const images = await listImages(order.folder);
  return images.filter(({ sourceDigest }) => sourceDigest === digest);
}

async function isSound(image: MicrovmImage): Promise<boolean> {
  return checkImage(image).then(
    () => true,
    () => false,
  );
}

interface Filling {
  readonly draft: string;
  readonly order: BuildOrder;
  readonly tools: ImageTools;
  readonly entries: readonly RootEntry[];
  readonly digest: string;
}

async function fillDraft(filling: Filling): Promise<ImageRecord> {
  const { draft, order, tools, entries, digest } = filling;
  const { kernel, source } = order;
  const paths: Record<ImageFile, string> = {
    vmlinuz: join(draft, "vmlinuz"),
    "initramfs.cpio": join(draft, "initramfs.cpio"),
    "root.ext4": join(draft, "root.ext4"),
  };
  const workDir = await openDraft(join(order.folder, "images"));
  try {
    await copyFile(kernel.imagePath, paths.vmlinuz);
    await writeFile(paths["initramfs.cpio"], await makeInitramfs(kernel, tools.busybox));
    await writeExt4({ file: paths["root.ext4"], workDir, entries }, tools);
  } finally {
    await rm(workDir, { recursive: true, force: true });
  }
  const files = { vmlinuz: "", "initramfs.cpio": "", "root.ext4": "" };
  let bytes = 0;
  for (const name of imageFiles) {
    files[name] = await fileDigest(paths[name]);
    bytes += (await stat(paths[name])).size;
    await sync(paths[name]);
  }
  const record: ImageRecord = {
    runtime: source.runtime.name,
    runtimeVersion: await versionOf(source),
    kernelVersion: kernel.version,
    kernelArgs,
    sourceDigest: digest,
    files,
    bytes,
    builtAtMs: order.clock.now(),
  };
  const recordPath = join(draft, recordFile);
  await writeFile(recordPath, `${JSON.stringify(record, undefined, 2)}\n`);
  await sync(recordPath);
  return record;
}

function idOf({ files, kernelArgs: args }: ImageRecord): string {
  return sha256Hex(JSON.stringify([args, ...imageFiles.map((name) => files[name])])).slice(0, 32);
}

async function versionOf({ runtime }: ImageSource): Promise<string> {
  const { binaryPath, env, version } = runtime;
  const options = { timeoutMs: versionTimeoutMs };
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const { code, stdout, stderr, failure } = await runTool(
    "/usr/bin/env",
    [...variables, binaryPath, "--version"],
    options,
  );
  if (code === 0) return version(stdout.trim());
  const reason = failure ?? (stderr.trim() || `exit code ${code}`);
  throw imageFailure(
    `Cannot build an image: ${binaryPath} --version failed: ${reason}`,
    `Install another build of ${runtime.name}`,
  );
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
