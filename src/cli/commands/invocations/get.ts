import { defineCommand } from "../../command.ts";
import { describeBytes } from "../../describe.ts";
import { sheet } from "../../table.ts";

export const invocationsGet = defineCommand({
  name: "invocations get",
  summary: "Show one invocation",
  arguments: { invocation: { summary: "Id of the invocation (inv_…)" } },
  options: {},
  examples: [{ command: "reactor invocations get inv_01hz…", summary: "How that call ended" }],
  errors: [],
  async run({ output, client, signal }, args) {
    const reactor = await client();
    const item = await reactor.getInvocation(args.invocation, { signal });
    output.result(item, () =>
      sheet({
        invocation: item.id,
        "request id": item.request_id,
        function: item.function_id,
        deployment: `${item.deployment_id} (@${item.revision})`,
        started: item.started_at,
        method: item.method,
        status: item.status,
        error: item.error_code ?? undefined,
        took: `${item.duration_ms.toFixed(1)} ms`,
        start: item.cold ? "cold" : "warm",
        in: describeBytes(item.bytes_in),
        out: describeBytes(item.bytes_out),
      }),
    );
    return undefined;
  },
});
