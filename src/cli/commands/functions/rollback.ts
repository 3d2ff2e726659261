import { defineCommand } from "../../command.ts";
import { describeDeployment } from "../../describe.ts";
import { functionArgument } from "./function-argument.ts";

export const functionsRollback = defineCommand({
  name: "functions rollback",
  summary: "Send live traffic back to an earlier deployment",
  description: "Without --to-deployment: the deployment that was promoted before the current one.",
  arguments: { function: functionArgument },
  options: {
    toDeployment: { value: "id", summary: "Deployment to go back to (the one before the current)" },
  },
  examples: [
    { command: "reactor functions rollback hello", summary: "Undo the last promote" },
    {
      command: "reactor functions rollback hello --to-deployment dep_01hz…",
      summary: "Go back to a certain deployment",
    },
  ],
  errors: [
    { code: "conflict", next: "reactor functions deployments list {function}" },
    { code: "deployment_not_found", next: "reactor functions deployments list {function}" },
  ],
  async run({ output, client, signal }, args, options) {
    const reactor = await client();
    const deployment = await reactor.rollback(args.function, options.toDeployment, { signal });
    output.result(
      deployment,
      () => `Rolled back: production is ${describeDeployment(args.function, deployment)}`,
    );
    return undefined;
  },
});
