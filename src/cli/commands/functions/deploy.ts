import path from "node:path";
import { ClientError } from "../../../client/client-error.ts";
import type { DeploymentResource } from "../../../client/resources.ts";
import { collectFiles } from "../../collect-files.ts";
import { type CommandContext, defineCommand } from "../../command.ts";
import { CommandFailure } from "../../command-failure.ts";
import { describeBytes, describeDeployment } from "../../describe.ts";
import { describeFailure } from "../../describe-failure.ts";
import { functionArgument } from "./function-argument.ts";

const tickMs = 100;

interface Upload {
  readonly name: string;
  readonly folder: string;
  readonly promote: boolean;
  readonly create: boolean;
}

async function upload(context: CommandContext, input: Upload): Promise<DeploymentResource> {
  const { output, signal, clock, client } = context;
  const reactor = await client();
  const progress = output.progress(`Reading ${input.folder}`);
  const startedMs = clock.monotonicMs();
  const { files, bytes } = await collectFiles(input.folder, signal).finally(() => progress.end());
  const what = `${files.size} ${files.size === 1 ? "file" : "files"}, ${describeBytes(bytes)}`;
  const waiting = output.progress(`Deploying ${what}`);
  const ticker = clock.every(tickMs, () => {
    const seconds = ((clock.monotonicMs() - startedMs) / 1000).toFixed(1);
    waiting.update(`Deploying ${what}: uploading, building, starting once  ${seconds} s`);
  });
  try {
    const { promote, create: createFunction } = input;
    return await reactor.deploy(input.name, { files, promote, createFunction }, { signal });
  } finally {
    ticker.cancel();
    waiting.end();
  }
}

export const functionsDeploy = defineCommand({
  name: "functions deploy",
  summary: "Upload a folder as a new deployment and check that it starts",
  description:
    "Uploads the folder without .git, .reactor and what .reactorignore lists; links are refused. " +
    "The server builds the code, starts it once and keeps the result. Live traffic only changes " +
    "with `functions promote`, or with --promote.",
  arguments: { function: functionArgument },
  options: {
    dir: { value: "folder", summary: "Folder of the function", default: "." },
    promote: { summary: "Send live traffic to it as soon as it is ready" },
    create: { summary: "Create the function when it does not exist" },
  },
  examples: [
    {
      command: "reactor functions deploy hello --dir ./functions/hello",
      summary: "A new version, not yet live",
    },
    {
      command: "reactor functions deploy hello --dir ./functions/hello --promote",
      summary: "A new version, live when it is ready",
    },
  ],
  errors: [
    { code: "function_not_found", next: "reactor functions create {function}" },
    { code: "env_key_invalid", next: "reactor functions env list {function}" },
    {
      code: "bundle_too_large",
      next: "leave files out with .reactorignore, or raise the server's functions.bundle_max_bytes",
    },
  ],
  async run(context, args, options) {
    const { output } = context;
    const folder = path.resolve(context.cwd, options.dir);
    const { promote, create } = options;
    const input = { name: args.function, folder, promote, create };
    const deployment = await upload(context, input).catch((error: unknown) => {
      if (options.dir === "." && error instanceof ClientError && error.code === "bundle_invalid") {
        output.note(`Deployed was ${folder}, the folder you are in; --dir names another`);
      }
      if (context.signal.aborted) {
        const command = `reactor functions deployments list ${args.function}`;
        output.note(`The server may have all of it, and finish the deployment: ${command}`);
      }
      throw error;
    });
    const title = describeDeployment(args.function, deployment);
    if (deployment.status === "failed") {
      if (output.json) output.result(deployment, () => "");
      throw new CommandFailure(
        `Deployment ${title} failed: ${describeFailure(deployment.failure)}`,
        {
          next: "mend it and deploy again; what is live did not change",
        },
      );
    }
    output.result(
      deployment,
      () => `Deployed ${title}: ${deployment.status}${promote ? " and live" : ""}`,
    );
    output.note(
      promote
        ? `Next: reactor functions invoke ${args.function}`
        : `Next: reactor functions promote ${args.function}`,
    );
    return undefined;
  },
});
