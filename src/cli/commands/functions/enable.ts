import { defineCommand } from "../../command.ts";
import { functionArgument } from "./function-argument.ts";

export const functionsEnable = defineCommand({
  name: "functions enable",
  summary: "Let a function answer again",
  arguments: { function: functionArgument },
  options: {},
  examples: [{ command: "reactor functions enable hello", summary: "Enable hello" }],
  errors: [],
  async run({ output, client, signal }, args) {
    const reactor = await client();
    const view = await reactor.updateFunction(args.function, { enabled: true }, { signal });
    output.result(view, () => `Function ${view.name} is ${view.enabled ? "enabled" : "disabled"}`);
    return undefined;
  },
});
