import { defineCommand } from "../../command.ts";
import { functionArgument } from "./function-argument.ts";

export const functionsDisable = defineCommand({
  name: "functions disable",
  summary: "Stop a function from answering",
  arguments: { function: functionArgument },
  options: {},
  examples: [{ command: "reactor functions disable hello", summary: "Disable hello" }],
  errors: [],
  async run({ output, client, signal }, args) {
    const reactor = await client();
    const view = await reactor.updateFunction(args.function, { enabled: false }, { signal });
    output.result(view, () => `Function ${view.name} is ${view.enabled ? "enabled" : "disabled"}`);
    return undefined;
  },
});
