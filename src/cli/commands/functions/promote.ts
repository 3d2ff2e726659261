import { defineCommand } from "../../command.ts";
import { describeDeployment, describeUrl } from "../../describe.ts";
import { functionArgument } from "./function-argument.ts";

export const functionsPromote = defineCommand({
  name: "functions promote",
  summary: "Send live traffic to a deployment",
  description:
    "One atomic swap: when the command returns, no request reaches the old deployment. Without " +
    "--deployment the newest one is taken; it must be ready.",
  arguments: { function: functionArgument },
  options: { deployment: { value: "id", summary: "Deployment to promote (the newest)" } },
  examples: [
    { command: "reactor functions promote hello", summary: "Promote what was deployed last" },
    {
      command: "reactor functions promote hello --deployment dep_01hz…",
      summary: "Promote a certain deployment",
    },
  ],
  errors: [
    { code: "deployment_not_found", next: "reactor functions deploy {function} --dir <folder>" },
    { code: "deployment_failed", next: "reactor functions deployments list {function}" },
    { code: "deployment_not_ready", next: "reactor functions deployments list {function}" },
  ],
  async run({ output, client, signal }, args, options) {
    const reactor = await client();
    const deployment = await reactor.promote(args.function, options.deployment, { signal });
    output.result(
      deployment,
      () => `Promoted ${describeDeployment(args.function, deployment)} to production`,
    );
    output.note(`Live at ${describeUrl(reactor.url, reactor.project, args.function)}`);
    return undefined;
  },
});
