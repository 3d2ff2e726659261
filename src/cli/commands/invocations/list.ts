import type { InvocationResource } from "../../../client/resources.ts";
import { queuedStates } from "../../../domain/queue/queued-invocation.ts";
import { defineCommand } from "../../command.ts";
import { describeTime, describeUsage } from "../../describe.ts";
import { table } from "../../table.ts";
import { UsageError } from "../../usage-error.ts";

export const invocationsList = defineCommand({
  name: "invocations list",
  summary: "List the newest invocations, or queued ones by state",
  arguments: {},
  options: {
    function: { value: "name", summary: "Only of this function" },
    state: {
      value: "state",
      summary: "Queued ones in this state; dead are the dead letters",
      choices: queuedStates,
    },
    request: { value: "id", summary: "Only with this request id (X-Request-Id)" },
    limit: { value: "count", summary: "Items at most", integer: { min: 1, max: 1000 } },
  },
  examples: [
    {
      command: "reactor invocations list --function hello",
      summary: "What hello was asked lately",
    },
    {
      command: "reactor invocations list --state dead",
      summary: "What was queued and could not be done",
    },
  ],
  errors: [],
  async run({ output, client, signal }, _args, options) {
    const { request: requestId, function: name, limit } = options;
    const state = queuedStates.find((one) => one === options.state);
    if (state !== undefined && requestId !== undefined) {
      throw new UsageError("--state and --request do not go together; give one of them");
    }
    const reactor = await client();
    const items =
      state === undefined
        ? await reactor.listInvocations({ function: name, requestId, limit, signal })
        : (await reactor.listQueuedInvocations({ state, function: name, limit, signal })).items;
    output.result(items, () => {
      if (items.length === 0)
        return state === undefined ? "No invocations yet" : `None is ${state}`;
      return state === undefined ? recordTable(items) : queueTable(items);
    });
    return undefined;
  },
});

function recordTable(items: readonly InvocationResource[]): string {
  const rows = items.map((item) => [
    item.id,
    describeTime(item.started_at),
    item.method ?? "-",
    String(item.status ?? "-"),
    item.duration_ms === null ? "-" : `${item.duration_ms.toFixed(1)} ms`,
    item.usage === null ? "-" : describeUsage(item.usage),
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
    "USED",
    "START",
    "REVISION",
  ];
  return table([...headings, "ERROR"], rows);
}

function queueTable(items: readonly InvocationResource[]): string {
  const rows = items.map(({ id, state, attempt, queued, status, error_code: error }) => [
    id,
    state,
    describeTime(queued?.accepted_at ?? null),
    String(attempt),
    describeTime(queued?.due_at ?? null),
    error ?? String(status ?? ""),
  ]);
  return table(["INVOCATION", "STATE", "ACCEPTED", "ATTEMPT", "DUE", "OUTCOME"], rows);
}
