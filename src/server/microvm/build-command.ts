import { CommandFailure } from "../../cli/command-failure.ts";
import { type CommandContext, defineCommand } from "../../cli/command.ts";
import { describeBytes } from "../../cli/describe.ts";
import { ReactorError } from "../../domain/errors.ts";
import { type BuiltImage, buildImage } from "../../drivers/microvm/images/build-image.ts";
import { findKernel } from "../../drivers/microvm/images/find-kernel.ts";
import type { ImageSource } from "../../drivers/microvm/images/image-source.ts";
import { settingOptions } from "../config/setting-options.ts";
import { imageSourceOf, type MicrovmRuntime, microvmRuntimes } from "./image-source-of.ts";
import { imageView, shortId } from "./image-view.ts";
import { type MicrovmContext, openMicrovmContext } from "./microvm-context.ts";

/** A runtime of which there is no image, since it is not here. */
interface Skipped {
  readonly runtime: MicrovmRuntime;
  readonly reason: string;
  readonly remedy: string | undefined;
}

/** `reactor microvm build`: what microVMs boot from, of what this machine has. */
export const microvmBuildCommand = defineCommand({
  name: "microvm build",
  summary: "Build the images that microVMs boot from",
  description:
    "Makes a kernel, a first file system and a read-only root for each runtime, of the runtimes and " +
    "libraries of this machine, in the data folder. Needs no server and no privilege. The kernel is an " +
    "installed one for cloud machines, else Debian's package, which is fetched and unpacked, not " +
    "installed. An image that is there already is not made again; the same machine gives the same image.",
  local: true,
  arguments: {},
  options: {
    ...settingOptions,
    runtime: {
      summary: "Only the image of this runtime",
      value: "runtime",
      choices: microvmRuntimes,
    },
  },
  examples: [
    {
      command: "reactor microvm build",
      summary: "Images of Bun, Node and Python, as far as they are here",
    },
    {
      command: "reactor microvm build --runtime python --json",
      summary: "One of them, for a program",
    },
  ],
  errors: [],
  async run(command, _args, options) {
    const { env, cwd, output } = command;
    const context = await openMicrovmContext({ flags: options, env, cwd });
    const wanted = microvmRuntimes.filter((runtime) => runtime === (options["runtime"] ?? runtime));
    const found = await Promise.all(wanted.map((runtime) => sourceOrReason(runtime, context)));
    const skipped = found.filter((each) => "reason" in each);
    const sources = found.filter((each) => "folders" in each);
    const [first] = skipped;
    if (sources.length === 0 && first !== undefined) {
      throw failure(first.reason, first.remedy);
    }
    const built = await buildAll(sources, context, command);
    output.result(
      {
        images: built.map(({ image, isNew }) => ({ ...imageView(image), new: isNew })),
        skipped: skipped.map((each) => ({ ...each, remedy: each.remedy ?? null })),
      },
      () => built.map(describeBuilt).join("\n"),
    );
    for (const { reason, remedy } of skipped) {
      output.warn(remedy === undefined ? reason : `${reason}. ${remedy}`);
    }
    return undefined;
  },
});

async function sourceOrReason(
  runtime: MicrovmRuntime,
  context: MicrovmContext,
): Promise<ImageSource | Skipped> {
  try {
    return await imageSourceOf(runtime, context);
  } catch (error) {
    if (!(error instanceof ReactorError)) throw error;
    return { runtime, reason: error.message, remedy: remedyOf(error) };
  }
}

async function buildAll(
  sources: readonly ImageSource[],
  { folder }: MicrovmContext,
  { output, clock, signal }: CommandContext,
): Promise<readonly BuiltImage[]> {
  const progress = output.progress("Looking for a kernel");
  try {
    const kernel = await findKernel(folder);
    const built: BuiltImage[] = [];
    for (const source of sources) {
      progress.update(`Building the image of ${source.runtime.name}`);
      built.push(await buildImage({ folder, source, kernel, clock, signal }));
    }
    return built;
  } catch (error) {
    if (!(error instanceof ReactorError)) throw error;
    throw failure(error.message, remedyOf(error), error);
  } finally {
    progress.end();
  }
}

function failure(message: string, next: string | undefined, cause?: unknown): CommandFailure {
  return new CommandFailure(message, { ...(next !== undefined && { next }), cause });
}

function remedyOf({ details }: ReactorError): string | undefined {
  const { remedy } = details;
  return typeof remedy === "string" ? remedy : undefined;
}

function describeBuilt({ image, isNew }: BuiltImage): string {
  const what = `image ${shortId(image.id)} of ${image.runtime} ${image.runtimeVersion} with kernel ${image.kernelVersion}, ${describeBytes(image.bytes)}`;
  return isNew ? `Built ${what}` : `Up to date: ${what}`;
}
