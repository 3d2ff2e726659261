import { defineCommand } from "../../command.ts";
import { describeTime } from "../../describe.ts";
import { table } from "../../table.ts";
import { functionArgument } from "../functions/function-argument.ts";
import { describeRule } from "./describe-rule.ts";

export const policiesList = defineCommand({
  name: "policies list",
  summary: "List a function's policies",
  arguments: { function: functionArgument },
  options: {},
  examples: [{ command: "reactor policies list hello", summary: "What must hold for hello" }],
  errors: [],
  async run({ output, client, signal }, args) {
    const reactor = await client();
    const items = await reactor.listPolicies(args.function, { signal });
    output.result(items, () => {
      if (items.length === 0) {
        return `No policies: whoever has access may invoke ${args.function}. Next: reactor policies create ${args.function} <name> --method POST`;
      }
      const rows = items.map((item) => [
        item.name,
        describeRule(item),
        describeTime(item.created_at),
      ]);
      return table(["POLICY", "ADMITS", "CREATED"], rows);
    });
    return undefined;
  },
});
