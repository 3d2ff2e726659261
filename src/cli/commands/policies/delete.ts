import { defineCommand } from "../../command.ts";
import { functionArgument } from "../functions/function-argument.ts";
import { policyArgument } from "./policy-argument.ts";

export const policiesDelete = defineCommand({
  name: "policies delete",
  summary: "Remove a policy",
  arguments: { function: functionArgument, policy: policyArgument },
  options: {},
  examples: [{ command: "reactor policies delete hello office", summary: "Remove office" }],
  errors: [],
  async run({ output, client, signal }, args) {
    const reactor = await client();
    const removed = await reactor.deletePolicy(args.function, args.policy, { signal });
    output.result(removed, () => `Removed policy ${removed.name} of ${args.function}`);
    return undefined;
  },
});
