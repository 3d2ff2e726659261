import { defineCommand } from "../../command.ts";
import { describeTime } from "../../describe.ts";
import { table } from "../../table.ts";

export const invocationsList = defineCommand({
  name: "invocations list",
  summary: "List the newest invocations",
  arguments: {},
  options: {
    function: { value: "name", summary: "Only of this function" },
    request: { value: "id", summary: "Only with this request id (X-Request-Id)" },
    limit: { value: "count", summary: "Items at most", integer: { min: 1, max: 1000 } },
  },
  examples: [
    {
      command: "reactor invocations list --function hello",
      summary: "What hello was asked lately",
    },
  ],
  errors: [],
  async run({ output, client, signal }, _args, options) {
    const reactor = await client();
    const { request: requestId, function: name, limit } = options;
    const items = await reactor.listInvocations({ function: name, requestId, limit, signal });
    output.result(items, () => {
      if (items.length === 0) return "No invocations yet";
      const rows = items.map((item) => [
        item.id,
        describeTime(item.started_at),
        item.method,
        String(item.status),
        `${item.duration_ms.toFixed(1)} ms`,
        item.cold ? "cold" : "warm",
        `@${item.revision}`,
        item.error_code ?? "",
      ]);
      const headings = [
        "INVOCATION",
        "STARTED",
        "METHOD",
        "STATUS",
        "TOOK",
        "START",
        "REVISION",
        "ERROR",
      ];
      return table(headings, rows);
    });
    return undefined;
  },
});
