import { defineCommand } from "../../command.ts";
import { describeProduction, describeTierOf, describeUrl } from "../../describe.ts";
import { sheet } from "../../table.ts";
import { functionArgument } from "./function-argument.ts";

export const functionsGet = defineCommand({
  name: "functions get",
  summary: "Show one function",
  arguments: { function: functionArgument },
  options: {},
  examples: [{ command: "reactor functions get hello", summary: "What is known about hello" }],
  errors: [],
  async run({ output, client, signal }, args) {
    const reactor = await client();
    const view = await reactor.getFunction(args.function, { signal });
    output.result(view, () =>
      sheet({
        name: view.name,
        id: view.id,
        project: view.project,
        runtime: view.runtime,
        isolation: view.isolation,
        tier: describeTierOf(view.tier, view.min_tier),
        state: view.enabled ? "enabled" : "disabled",
        production: describeProduction(view),
        shape: view.shape ?? undefined,
        events: view.events.length === 0 ? undefined : view.events.join(", "),
        hooks: view.hooks.length === 0 ? undefined : view.hooks.join(", "),
        url: describeUrl(reactor.url, view.project, view.name),
        created: view.created_at,
        updated: view.updated_at,
        deleted: view.deleted_at ?? undefined,
      }),
    );
    return undefined;
  },
});
