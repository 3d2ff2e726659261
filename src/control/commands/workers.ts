import type { FunctionPlan } from "../../domain/plan.ts";
import type { CommandTable } from "../command.ts";
import type { WorkerView } from "../control-plane.ts";
import { seesFunction } from "../find-function.ts";
import { heaviestTarget } from "../../domain/heaviest-target.ts";
import { productionAlias } from "../promote.ts";

export const workerCommands: CommandTable<"workers.list"> = {
  "workers.list": {
    access: ({ project }) => ({ project, anyFunction: ["admin", "deploy", "invoke", "logs"] }),
    async run(context, input) {
      const project = await context.project(input.project);
      // The plan has all that is asked for, as it serves now.
      const functions = [...context.plans.plan.functions.values()];
      return functions
        .filter(
          (entry) => entry.project === project.name && seesFunction(context.caller, entry.name),
        )
        .flatMap(workerView)
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    },
  },
};

function workerView(entry: FunctionPlan): WorkerView[] {
  const { functionId, name, enabled } = entry;
  const revision = heaviestTarget(entry.aliases.get(productionAlias) ?? [])?.revision;
  const deployment = revision === undefined ? undefined : entry.deployments.get(revision);
  if (deployment?.manifest.isolation !== "worker") return [];
  return [{ functionId, name, enabled, revision: deployment.revision }];
}
