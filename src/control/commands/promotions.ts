import type { PromotionRecord } from "../../domain/function.ts";
import type { DeploymentRecord, FunctionRecord } from "../../domain/function.ts";
import type { StoreReader } from "../../store/store.ts";
import { type CommandContext, type CommandTable, onFunction } from "../command.ts";
import type { FunctionRef } from "../control-plane.ts";
import { findDeployment, findNewestDeployment, requireReady } from "../find-deployment.ts";
import { findFunction } from "../find-function.ts";
import { promoteIn, rollbackTarget } from "../promote.ts";
import { requireArtifact } from "../require-artifact.ts";
import { functionSubject } from "./functions.ts";

const actions = { promote: "promote", rollback: "roll back to" } as const;

/** Moves `production` to the deployment that `choose` finds, one after another per store. */
async function move(
  context: CommandContext,
  input: FunctionRef & { readonly deployment: string | undefined },
  kind: PromotionRecord["kind"],
  choose: (reader: StoreReader, owner: FunctionRecord) => Promise<DeploymentRecord>,
): Promise<DeploymentRecord> {
  const project = await context.project(input.project);
  const hints = { plan: context.plans.plan, caller: context.caller };
  return context.change(async (writer) => {
    const owner = await findFunction(writer, project, input.function, hints);
    const { deployment: wanted } = input;
    const deployment =
      wanted === undefined
        ? await choose(writer, owner)
        : await findDeployment(writer, owner, wanted);
    requireReady(actions[kind], deployment);
    await requireArtifact(context.blobs, deployment, actions[kind]);
    await promoteIn(writer, context, { function: owner, deployment, kind });
    return {
      output: deployment,
      details: { deployment_id: deployment.id, revision: deployment.revision },
      touched: [{ functionId: owner.id }],
    };
  });
}

export const promotionCommands: CommandTable<"functions.promote" | "functions.rollback"> = {
  "functions.promote": {
    access: (input) => onFunction(input, ["deploy"]),
    subject: functionSubject,
    run: (context, input) => move(context, input, "promote", findNewestDeployment),
  },
  "functions.rollback": {
    access: (input) => onFunction(input, ["deploy"]),
    subject: functionSubject,
    run: (context, input) => move(context, input, "rollback", rollbackTarget),
  },
};
