import { defineCommand } from "../../cli/command.ts";
import { describeBytes, describeTime } from "../../cli/describe.ts";
import { table } from "../../cli/table.ts";
import { settingOptions } from "../config/setting-options.ts";
import { imageStates } from "./image-states.ts";
import { imageView, shortId } from "./image-view.ts";
import { openMicrovmContext } from "./microvm-context.ts";

/** `reactor microvm list`: the images, and which of them are used. */
export const microvmListCommand = defineCommand({
  name: "microvm list",
  summary: "List the images that microVMs boot from",
  description:
    "An image is current when it has the runtime, guest and agent that this machine has now; outdated " +
    "ones are not used. Every byte is checked.",
  local: true,
  arguments: {},
  options: settingOptions,
  examples: [{ command: "reactor microvm list", summary: "What is there, and is it current" }],
  errors: [],
  async run({ output, env, cwd }, _args, options) {
    const stated = await imageStates(await openMicrovmContext({ flags: options, env, cwd }));
    output.result(
      stated.map(({ image, state }) => ({ ...imageView(image), state })),
      () => {
        if (stated.length === 0) return "No images yet. Next: reactor microvm build";
        const rows = stated.map(({ image, state }) => [
          shortId(image.id),
          image.runtime,
          image.runtimeVersion,
          image.kernelVersion,
          describeBytes(image.bytes),
          describeTime(new Date(image.builtAtMs).toISOString()),
          state,
        ]);
        return table(["IMAGE", "RUNTIME", "VERSION", "KERNEL", "SIZE", "BUILT", "STATE"], rows);
      },
    );
    return undefined;
  },
});
