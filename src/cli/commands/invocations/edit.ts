import { defineCommand } from "../../command.ts";
import { bodyOf } from "../functions/request-body.ts";
import { UsageError } from "../../usage-error.ts";

export const invocationsEdit = defineCommand({
  name: "invocations edit",
  summary: "Give a failed or dead invocation another request body",
  description: "It does not run before it is retried. Without a body the present request is shown.",
  arguments: { invocation: { summary: "Id of the invocation (inv_…)" } },
  options: {
    payload: { value: "body", summary: "Request body: JSON" },
    data: { value: "body", summary: "Request body: text, @file, or - for stdin" },
  },
  examples: [
    { command: "reactor invocations edit inv_01hz…", summary: "Show its request" },
    {
      command: `reactor invocations edit inv_01hz… --payload '{"to":"ada@example.com"}'`,
      summary: "Correct its body",
    },
  ],
  errors: [{ code: "conflict", next: "reactor invocations get {invocation}" }],
  async run(context, args, options) {
    const { output, client, signal } = context;
    const body = await bodyOf(context, { json: undefined, ...options });
    const reactor = await client();
    if (body === undefined) {
      const request = await reactor.getInvocationRequest(args.invocation, { signal });
      output.result(request, () => JSON.stringify(request, undefined, 2));
      return undefined;
    }
    if (body.length === 0) throw new UsageError("The body is empty");
    const base64 = Buffer.from(body).toString("base64");
    const item = await reactor.editInvocation(args.invocation, { base64 }, { signal });
    output.result(item, () => `${item.id} has another request body`);
    output.note(`Next: reactor invocations retry ${item.id}`);
    return undefined;
  },
});
