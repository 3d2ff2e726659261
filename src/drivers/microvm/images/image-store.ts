import { existsSync } from "node:fs";
import { readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { newDraftName } from "./drafts.ts";
import { fileDigest } from "./file-digest.ts";
import { imageFailure } from "./image-failure.ts";
import {
  type ImageRecord,
  imageFiles,
  imageIn,
  type MicrovmImage,
  recordFile,
} from "./microvm-image.ts";

const idPattern = /^[0-9a-f]{32}$/;

/** The images below `<folder>/images`, one folder each; a name that is no id is not looked at. */
export async function listImages(folder: string): Promise<readonly MicrovmImage[]> {
  const images = join(folder, "images");
  const names = existsSync(images) ? await readdir(images) : [];
  const found = names
    .filter((name) => idPattern.test(name))
    .map(async (id) => {
      const text = await readFile(join(images, id, recordFile), "utf8").catch(() => undefined);
      const record = text === undefined ? undefined : parseRecord(text);
      return record === undefined ? [] : [imageIn(join(images, id), id, record)];
    });
  const all = (await Promise.all(found)).flat();
  return all.sort((a, b) => b.builtAtMs - a.builtAtMs || (a.id < b.id ? -1 : 1));
}

/** Removes an image. Machines that run from it keep its files until they end. */
export async function removeImage(image: MicrovmImage): Promise<void> {
  // First out of sight, so that nobody finds half of it.
  const draft = join(image.folder, "..", newDraftName());
  await rename(image.folder, draft);
  await rm(draft, { recursive: true });
}

/** Throws when a byte of the image is not what was written. */
export async function checkImage(image: MicrovmImage): Promise<void> {
  for (const name of imageFiles) {
    const digest = await fileDigest(join(image.folder, name)).catch(() => "missing");
    if (digest === image.files[name]) continue;
    throw imageFailure(
      `Cannot use the image ${image.id}: its ${name} is damaged`,
      `reactor microvm build --runtime ${image.runtime}`,
    );
  }
}

/** What was written may have been cut short or changed by hand. */
function parseRecord(text: string): ImageRecord | undefined {
  let value: Partial<Record<keyof ImageRecord, unknown>>;
  try {
    value = JSON.parse(text);
  } catch {
    // No JSON: whoever looks for an image does not find this one.
    return undefined;
  }
  const texts = [
    "runtime",
    "runtimeVersion",
    "kernelVersion",
    "kernelArgs",
    "sourceDigest",
  ] as const;
  const numbers = ["bytes", "builtAtMs"] as const;
  const { files } = value;
  const isWhole =
    texts.every((key) => typeof value[key] === "string") &&
    numbers.every((key) => typeof value[key] === "number") &&
    typeof files === "object" &&
    files !== null;
  return isWhole ? (value as ImageRecord) : undefined;
}
