import { ReactorError } from "../../domain/errors.ts";
import { rootDigest } from "../../drivers/microvm/images/build-image.ts";
import { checkImage, listImages } from "../../drivers/microvm/images/image-store.ts";
import type { MicrovmImage } from "../../drivers/microvm/images/microvm-image.ts";
import { imageSourceOf, microvmRuntimes } from "./image-source-of.ts";
import type { MicrovmContext } from "./microvm-context.ts";

/** `outdated`: of a runtime, guest or agent that is not this machine's any more. */
export type ImageState = "current" | "outdated" | "damaged";

export interface StatedImage {
  readonly image: MicrovmImage;
  readonly state: ImageState;
}

/** The images with what they are good for, the newest first. Reads every byte of them. */
export async function imageStates(context: MicrovmContext): Promise<readonly StatedImage[]> {
  const images = await listImages(context.folder);
  const runtimes = microvmRuntimes.filter((name) => images.some(({ runtime }) => runtime === name));
  const digests = await Promise.all(runtimes.map((name) => digestOf(name, context)));
  const states = images.map(async (image): Promise<StatedImage> => {
    const isSound = await checkImage(image).then(
      () => true,
      () => false,
    );
    if (!isSound) return { image, state: "damaged" };
    return { image, state: digests.includes(image.sourceDigest) ? "current" : "outdated" };
  });
  return Promise.all(states);
}

async function digestOf(
  runtime: (typeof microvmRuntimes)[number],
  context: MicrovmContext,
): Promise<string | undefined> {
  try {
    return await rootDigest(await imageSourceOf(runtime, context));
  } catch (error) {
    // A runtime or a tool that is gone: no image of it could be made here.
    if (error instanceof ReactorError) return undefined;
    throw error;
  }
}
