import { pathMatches } from "../../../domain/policy/policy-rule.ts";
import { defineCommand } from "../../command.ts";
import { functionArgument } from "../functions/function-argument.ts";
import { describeRule } from "./describe-rule.ts";
import { ruleFromOptions } from "./rule-options.ts";

export const policiesCreate = defineCommand({
  name: "policies create",
  summary: "Add a rule that must hold for every invocation of a function",
  description:
    "One policy is one rule; all policies of a function must hold, and one that cannot be evaluated denies. " +
    "Paths are below the function and written decoded.",
  arguments: {
    function: functionArgument,
    policy: { summary: "Name: a-z first, then a-z, 0-9, _ and -" },
  },
  options: {
    method: {
      value: "methods",
      summary: "Methods to admit, with commas or several times",
      many: true,
    },
    path: { value: "path", summary: "Path to admit; several times", many: true },
    match: {
      value: "how",
      summary: "How a path is compared",
      choices: pathMatches,
      default: "exact",
    },
    days: { value: "days", summary: "Days to admit, e.g. mon-fri or sat,sun" },
    hours: {
      value: "span",
      summary: "Hours to admit, e.g. 09:00-17:00; several times",
      many: true,
    },
    timezone: { value: "zone", summary: "Zone of the days and hours, e.g. Europe/Berlin" },
    cel: { value: "expression", summary: "CEL expression that must be true" },
  },
  examples: [
    {
      command: "reactor policies create hello writes --method POST,PUT",
      summary: "Admit POST and PUT only",
    },
    {
      command: "reactor policies create hello api --path /api --match prefix",
      summary: "Admit /api and what is below it",
    },
    {
      command:
        "reactor policies create hello office --days mon-fri --hours 09:00-17:00 --timezone Europe/Berlin",
      summary: "Admit in office hours",
    },
    {
      command: `reactor policies create hello tenant --cel 'caller.claims.tenant == "acme"'`,
      summary: "Admit tokens with a claim",
    },
  ],
  errors: [{ code: "conflict", next: "reactor policies list {function}" }],
  async run({ output, client, signal }, args, options) {
    const rule = ruleFromOptions(options);
    const reactor = await client();
    const policy = await reactor.createPolicy(args.function, args.policy, rule, { signal });
    output.result(policy, () => `Created policy ${policy.name}: ${describeRule(policy)}`);
    output.note(`It is in force. Next: reactor policies test ${args.function}`);
    return undefined;
  },
});
