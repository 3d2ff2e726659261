import { defineCommand } from "../../command.ts";
import { functionArgument } from "../functions/function-argument.ts";

export const schedulesRun = defineCommand({
  name: "schedules run",
  summary: "Run now what a function's schedules would",
  arguments: { function: functionArgument },
  options: {
    index: {
      value: "n",
      summary: "Only the n-th schedule of the manifest, from 0",
      integer: { min: 0, max: 31 },
    },
  },
  examples: [{ command: "reactor schedules run report", summary: "Do not wait for the next run" }],
  errors: [{ code: "not_found", next: "reactor schedules list" }],
  async run({ output, client, signal }, args, options) {
    const reactor = await client();
    const items = await reactor.runSchedules(args.function, { index: options.index, signal });
    output.result(items, () => items.map((item) => `${item.id} is ${item.state}`).join("\n"));
    output.note(`Next: reactor invocations get ${items[0]?.id ?? ""}`);
    return undefined;
  },
});
