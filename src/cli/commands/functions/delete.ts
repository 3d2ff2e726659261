import { defineCommand } from "../../command.ts";
import { functionArgument } from "./function-argument.ts";

export const functionsDelete = defineCommand({
  name: "functions delete",
  summary: "Take a function out of lists and traffic",
  description:
    "The deletion is soft: the name stays reserved, and `functions restore` brings the function back.",
  arguments: { function: functionArgument },
  options: {},
  examples: [{ command: "reactor functions delete hello", summary: "Delete hello" }],
  errors: [],
  async run({ output, client, signal }, args) {
    const reactor = await client();
    const deleted = await reactor.deleteFunction(args.function, { signal });
    output.result(deleted, () => `Deleted function ${deleted.name} (${deleted.id})`);
    output.note(`Undo: reactor functions restore ${deleted.name}`);
    return undefined;
  },
});
