import { CommandFailure } from "../../cli/command-failure.ts";
import { defineCommand } from "../../cli/command.ts";
import { describeBytes } from "../../cli/describe.ts";
import { UsageError } from "../../cli/usage-error.ts";
import { listImages, removeImage } from "../../drivers/microvm/images/image-store.ts";
import type { MicrovmImage } from "../../drivers/microvm/images/microvm-image.ts";
import { settingOptions } from "../config/setting-options.ts";
import { imageStates } from "./image-states.ts";
import { shortId } from "./image-view.ts";
import { type MicrovmContext, openMicrovmContext } from "./microvm-context.ts";

/** `reactor microvm remove`: images that are not wanted any more. */
export const microvmRemoveCommand = defineCommand({
  name: "microvm remove",
  summary: "Remove images of microVMs",
  description: "Machines that run go on; functions whose image is gone need another build.",
  local: true,
  arguments: {
    images: {
      summary: "Ids of images, or the beginnings of ids",
      many: true,
      optional: true,
    },
  },
  options: {
    ...settingOptions,
    outdated: { summary: "All that are outdated or damaged" },
  },
  examples: [
    { command: "reactor microvm remove 4f2a90c1d3e8", summary: "One image" },
    { command: "reactor microvm remove --outdated", summary: "Those that are not used any more" },
  ],
  errors: [],
  async run({ output, env, cwd }, { images: given }, options) {
    const { outdated } = options;
    if (outdated === given.length > 0) throw new UsageError("Name images, or give --outdated");
    const context = await openMicrovmContext({ flags: options, env, cwd });
    const chosen = outdated ? await unusedImages(context) : await namedImages(given, context);
    for (const image of chosen) await removeImage(image);
    const bytes = chosen.reduce((sum, image) => sum + image.bytes, 0);
    output.result({ removed: chosen.map(({ id }) => id), bytes }, () => {
      if (chosen.length === 0) return "No image is outdated";
      const names = chosen.map(({ id, runtime }) => `${shortId(id)} (${runtime})`).join(", ");
      return `Removed ${names}: ${describeBytes(bytes)}`;
    });
    return undefined;
  },
});

async function unusedImages(context: MicrovmContext): Promise<readonly MicrovmImage[]> {
  const stated = await imageStates(context);
  return stated.filter(({ state }) => state !== "current").map(({ image }) => image);
}

/** Each once; a name that is nobody's or not only one's is an error before anything is removed. */
async function namedImages(
  names: readonly string[],
  { folder }: MicrovmContext,
): Promise<readonly MicrovmImage[]> {
  const images = await listImages(folder);
  const chosen = names.map((name) => {
    const [image, ...others] = images.filter(({ id }) => name !== "" && id.startsWith(name));
    if (image !== undefined && others.length === 0) return image;
    const what = image === undefined ? "There is no image" : "There are several images";
    throw new CommandFailure(`${what} "${name}"`, { next: "reactor microvm list" });
  });
  return [...new Set(chosen)];
}
