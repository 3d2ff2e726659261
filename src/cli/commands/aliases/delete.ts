import { defineCommand } from "../../command.ts";
import { functionArgument } from "../functions/function-argument.ts";

export const aliasesDelete = defineCommand({
  name: "aliases delete",
  summary: "Remove an alias",
  arguments: { function: functionArgument, alias: { summary: "Name of the alias" } },
  options: {},
  examples: [{ command: "reactor aliases delete hello staging", summary: "Remove hello@staging" }],
  errors: [],
  async run({ output, client, signal }, args) {
    const reactor = await client();
    const removed = await reactor.deleteAlias(args.function, args.alias, { signal });
    output.result(removed, () => `Removed alias ${removed.alias} of ${args.function}`);
    return undefined;
  },
});
