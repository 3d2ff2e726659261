import type { PromotionRecord } from "../../domain/function.ts";
import type { DeploymentRecord, FunctionRecord } from "../../domain/function.ts";
import type { StoreReader } from "../../store/store.ts";
import { requireFreeRoute } from "../claim-route.ts";
import { type CommandContext, type CommandTable, onFunction } from "../command.ts";
import type { Commands, FunctionRef } from "../control-plane.ts";
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
    requireReady(actions[kind], deployment, owner.name);
    await requireArtifact(context.blobs, deployment, actions[kind]);
    await requireFreeRoute(writer, context, owner, deployment.manifest.route);
    await promoteIn(writer, context, { function: owner, deployment, kind });
    return {
      output: deployment,
      details: { deployment_id: deployment.id, revision: deployment.revision },
      touched: [{ functionId: owner.id }],
    };
  });
}

/** Promotes each in one transaction. Routes are looked at when all have moved, so that two may swap theirs. */
async function promoteAll(
  context: CommandContext,
  { project: name, promotions }: Commands["functions.promoteAll"]["input"],
): Promise<readonly DeploymentRecord[]> {
  const access = (entry: { readonly function: string }) =>
    onFunction({ project: name, function: entry.function }, ["deploy"]);
  for (const entry of promotions) context.require(access(entry));
  const project = await context.project(name);
  const hints = { plan: context.plans.plan, caller: context.caller };
  return context.change(async (writer) => {
    const moved: { owner: FunctionRecord; deployment: DeploymentRecord }[] = [];
    for (const entry of promotions) {
      const owner = await findFunction(writer, project, entry.function, hints);
      const deployment = await findDeployment(writer, owner, entry.deployment);
      requireReady("promote", deployment, owner.name);
      await requireArtifact(context.blobs, deployment, "promote");
      await promoteIn(writer, context, { function: owner, deployment, kind: "promote" });
      moved.push({ owner, deployment });
    }
    for (const { owner, deployment } of moved) {
      await requireFreeRoute(writer, context, owner, deployment.manifest.route);
    }
    return {
      output: moved.map(({ deployment }) => deployment),
      details: {
        promotions: moved.map(({ owner, deployment: { id, revision } }) => ({
          function_id: owner.id,
          deployment_id: id,
          revision,
        })),
      },
      touched: moved.map(({ owner }) => ({ functionId: owner.id })),
    };
  });
}

export const promotionCommands: CommandTable<
  "functions.promote" | "functions.promoteAll" | "functions.rollback"
> = {
  "functions.promoteAll": {
    access: ({ project }) => ({ project, anyFunction: ["deploy"] }),
    subject: ({ project, promotions }) =>
      `${project}:${promotions.map((entry) => entry.function).join(",")}`,
    run: promoteAll,
  },
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
