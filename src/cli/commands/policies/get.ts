import { defineCommand } from "../../command.ts";
import { functionArgument } from "../functions/function-argument.ts";
import { describeRule } from "./describe-rule.ts";
import { policyArgument } from "./policy-argument.ts";

export const policiesGet = defineCommand({
  name: "policies get",
  summary: "Show one policy",
  arguments: { function: functionArgument, policy: policyArgument },
  options: {},
  examples: [{ command: "reactor policies get hello office", summary: "What office admits" }],
  errors: [],
  async run({ output, client, signal }, args) {
    const reactor = await client();
    const policy = await reactor.getPolicy(args.function, args.policy, { signal });
    output.result(policy, () => `${policy.name}: ${describeRule(policy)}`);
    return undefined;
  },
});
