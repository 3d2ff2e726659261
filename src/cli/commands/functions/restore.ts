import { defineCommand } from "../../command.ts";
import { describeProduction } from "../../describe.ts";
import { functionArgument } from "./function-argument.ts";

export const functionsRestore = defineCommand({
  name: "functions restore",
  summary: "Bring a deleted function back",
  arguments: { function: functionArgument },
  options: {},
  examples: [{ command: "reactor functions restore hello", summary: "Undo the deletion of hello" }],
  errors: [{ code: "conflict", next: "reactor functions get {function}" }],
  async run({ output, client, signal }, args) {
    const reactor = await client();
    const view = await reactor.restoreFunction(args.function, { signal });
    output.result(
      view,
      () => `Restored function ${view.name}, production ${describeProduction(view)}`,
    );
    return undefined;
  },
});
