import { defineCommand } from "../../command.ts";
import { UsageError } from "../../usage-error.ts";

export const invocationsRetry = defineCommand({
  name: "invocations retry",
  summary: "Run failed or dead invocations again",
  arguments: {
    invocation: { summary: "Id of the invocation (inv_…)", optional: true },
  },
  options: {
    function: { value: "name", summary: "All dead ones of this function, at most 1000" },
  },
  examples: [
    { command: "reactor invocations retry inv_01hz…", summary: "Run one again" },
    { command: "reactor invocations retry --function mail", summary: "Run all dead ones again" },
  ],
  errors: [{ code: "conflict", next: "reactor invocations get {invocation}" }],
  async run({ output, client, signal }, args, options) {
    const { invocation } = args;
    const name = options.function;
    if ((invocation === undefined) === (name === undefined)) {
      throw new UsageError("Give the id of one invocation, or --function for all dead ones of it");
    }
    const reactor = await client();
    if (invocation !== undefined) {
      const item = await reactor.retryInvocation(invocation, { signal });
      output.result(item, () => `${item.id} is ${item.state}`);
      output.note(`Next: reactor invocations get ${item.id}`);
      return undefined;
    }
    const { retried } = await reactor.retryDeadInvocations(name ?? "", { signal });
    output.result({ retried }, () => `${retried} invocations are queued again`);
    return undefined;
  },
});
