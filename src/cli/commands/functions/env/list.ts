import { defineCommand } from "../../../command.ts";
import { describeTime } from "../../../describe.ts";
import { table } from "../../../table.ts";
import { functionArgument } from "../function-argument.ts";

export const envList = defineCommand({
  name: "functions env list",
  summary: "List a function's variables and the names of its secrets",
  arguments: { function: functionArgument },
  options: {},
  examples: [{ command: "reactor functions env list hello", summary: "What hello receives" }],
  errors: [],
  async run({ output, client, signal }, args) {
    const reactor = await client();
    const items = await reactor.listEnv(args.function, { signal });
    output.result(items, () => {
      if (items.length === 0) return `${args.function} has no variables and no secrets`;
      const rows = items.map((item) => [
        item.key,
        item.secret ? "secret" : "variable",
        item.secret ? "(hidden)" : (item.value ?? ""),
        describeTime(item.updated_at),
      ]);
      return table(["KEY", "KIND", "VALUE", "UPDATED"], rows);
    });
    return undefined;
  },
});
