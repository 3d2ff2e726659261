import { defineCommand } from "../../command.ts";
import { describeTime } from "../../describe.ts";
import { table } from "../../table.ts";

export const schedulesList = defineCommand({
  name: "schedules list",
  summary: "List the schedules in force and when they run next",
  arguments: {},
  options: { function: { value: "name", summary: "Only of this function" } },
  examples: [{ command: "reactor schedules list", summary: "What runs by itself, and when" }],
  errors: [],
  async run({ output, client, signal }, _args, options) {
    const reactor = await client();
    const items = await reactor.listSchedules({ function: options.function, signal });
    output.result(items, () => {
      if (items.length === 0) return 'Nothing is scheduled; write "schedule" into a manifest';
      const rows = items.map((item) => [
        item.function,
        item.cron,
        item.timezone,
        item.catch_up,
        item.enabled ? describeTime(item.next_runs[0] ?? null) : "disabled",
        JSON.stringify(item.payload),
      ]);
      return table(["FUNCTION", "CRON", "TIMEZONE", "CATCH UP", "NEXT", "PAYLOAD"], rows);
    });
    return undefined;
  },
});
