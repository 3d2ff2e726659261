import { defineCommand } from "../../../command.ts";
import { describeTierOf } from "../../../describe.ts";
import { stripControls } from "../../../strip-controls.ts";
import { sheet } from "../../../table.ts";
import { functionArgument } from "../function-argument.ts";

export const deploymentsGet = defineCommand({
  name: "functions deployments get",
  summary: "Show one deployment, with its log when it failed",
  arguments: {
    function: functionArgument,
    deployment: { summary: "Id (dep_…) or revision number" },
  },
  options: {},
  examples: [
    { command: "reactor functions deployments get hello 3", summary: "The third version of hello" },
  ],
  errors: [],
  async run({ output, client, signal }, args) {
    const reactor = await client();
    const item = await reactor.getDeployment(args.function, args.deployment, { signal });
    output.result(item, () => {
      const facts = sheet({
        deployment: item.id,
        revision: item.revision,
        status: item.status,
        runtime: item.manifest.runtime,
        tier: describeTierOf(item.tier, item.manifest.min_tier),
        entrypoint: item.manifest.entrypoint ?? undefined,
        shape: item.shape ?? undefined,
        "bundle sha256": item.bundle_sha256,
        created: item.created_at,
        ready: item.ready_at ?? undefined,
        failure: item.failure ? `${item.failure.code}: ${item.failure.message}` : undefined,
      });
      return item.failure?.log ? `${facts}\n\n${stripControls(item.failure.log)}` : facts;
    });
    return undefined;
  },
});
