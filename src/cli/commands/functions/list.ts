import { defineCommand } from "../../command.ts";
import { describeProduction, describeTierOf, describeTime } from "../../describe.ts";
import { moreLine, pageOptions } from "../../page-options.ts";
import { table } from "../../table.ts";

export const functionsList = defineCommand({
  name: "functions list",
  summary: "List the functions of the project",
  arguments: {},
  options: pageOptions,
  examples: [
    { command: "reactor functions list", summary: "All functions" },
    { command: "reactor functions list --json", summary: "The same for a program" },
  ],
  errors: [],
  async run({ output, client, signal }, _args, options) {
    const reactor = await client();
    const page = await reactor.listFunctions({ ...options, signal });
    output.result(page, () => {
      if (page.items.length === 0) return "No functions yet. Next: reactor init";
      const rows = page.items.map((item) => [
        item.name,
        item.runtime,
        describeTierOf(item.tier, item.min_tier),
        item.enabled ? "enabled" : "disabled",
        describeProduction(item),
        describeTime(item.updated_at),
      ]);
      const headings = ["NAME", "RUNTIME", "TIER", "STATE", "PRODUCTION", "UPDATED"];
      return table(headings, rows) + moreLine(page.next_cursor, "reactor functions list");
    });
    return undefined;
  },
});
