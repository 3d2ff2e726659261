import { defineCommand } from "../../../command.ts";
import { describeTime } from "../../../describe.ts";
import { moreLine, pageOptions } from "../../../page-options.ts";
import { table } from "../../../table.ts";
import { functionArgument } from "../function-argument.ts";

export const deploymentsList = defineCommand({
  name: "functions deployments list",
  summary: "List a function's deployments, newest first",
  arguments: { function: functionArgument },
  options: pageOptions,
  examples: [
    { command: "reactor functions deployments list hello", summary: "All versions of hello" },
  ],
  errors: [],
  async run({ output, client, signal }, args, options) {
    const reactor = await client();
    const [page, view] = await Promise.all([
      reactor.listDeployments(args.function, { ...options, signal }),
      reactor.getFunction(args.function, { signal }),
    ]);
    output.result(page, () => {
      if (page.items.length === 0) {
        return `No deployments yet. Next: reactor functions deploy ${args.function} --dir <folder>`;
      }
      const rows = page.items.map((item) => [
        item.id,
        `@${item.revision}`,
        item.status,
        item.id === view.production?.deployment_id ? "production" : "",
        describeTime(item.created_at),
        item.failure?.message ?? "",
      ]);
      const headings = ["DEPLOYMENT", "REVISION", "STATUS", "LIVE", "CREATED", "FAILURE"];
      const more = `reactor functions deployments list ${args.function}`;
      return table(headings, rows) + moreLine(page.next_cursor, more);
    });
    return undefined;
  },
});
