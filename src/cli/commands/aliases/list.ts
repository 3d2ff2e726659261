import type { AliasResource } from "../../../client/resources.ts";
import { defineCommand } from "../../command.ts";
import { describeTime } from "../../describe.ts";
import { table } from "../../table.ts";
import { functionArgument } from "../functions/function-argument.ts";

/** `@7` or `@7 95 %, @8 5 %` */
export function describeTargets(alias: AliasResource): string {
  if (alias.targets.length === 1) return `@${alias.targets[0]?.revision}`;
  return alias.targets.map((target) => `@${target.revision} ${target.weight} %`).join(", ");
}

export const aliasesList = defineCommand({
  name: "aliases list",
  summary: "List a function's aliases and where they point",
  arguments: { function: functionArgument },
  options: {},
  examples: [{ command: "reactor aliases list hello", summary: "Where hello's aliases point" }],
  errors: [],
  async run({ output, client, signal }, args) {
    const reactor = await client();
    const items = await reactor.listAliases(args.function, { signal });
    output.result(items, () => {
      if (items.length === 0) {
        return `No aliases yet. Next: reactor functions promote ${args.function}`;
      }
      const rows = items.map((item) => [
        item.name,
        describeTargets(item),
        describeTime(item.updated_at),
      ]);
      return table(["ALIAS", "TARGETS", "UPDATED"], rows);
    });
    return undefined;
  },
});
