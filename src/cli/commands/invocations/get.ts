import { defineCommand } from "../../command.ts";
import { describeBytes, describeUsage } from "../../describe.ts";
import { describeQueued, describeServed } from "./describe-queued.ts";
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
        state: item.state,
        attempt: item.attempt,
        deployment: describeServed(item),
        started: item.started_at ?? undefined,
        method: item.method ?? undefined,
        status: item.status ?? undefined,
        error: item.error_code ?? undefined,
        took: item.duration_ms === null ? undefined : `${item.duration_ms.toFixed(1)} ms`,
        used: item.usage === null ? undefined : describeUsage(item.usage),
        start: item.cold ? "cold" : "warm",
        in: describeBytes(item.bytes_in),
        out: describeBytes(item.bytes_out),
        ...describeQueued(item),
      }),
    );
    if (item.state === "dead") output.note(`Next: reactor invocations retry ${item.id}`);
    return undefined;
  },
});
