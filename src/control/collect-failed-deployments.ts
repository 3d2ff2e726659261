import type { DeploymentKey, StoreReader } from "../store/store.ts";
import type { CommandContext } from "./command.ts";

/** The most rows that one transaction removes, so that other changes get their turn in between. */
const rowsPerTransactionMax = 200;

/**
 * Failed deployments that nothing can need any more: beyond the newest `kept` of their function,
 * never promoted and named by no alias. At most as many as one transaction removes.
 */
export async function collectableDeployments(
  reader: StoreReader,
  kept: number,
): Promise<readonly DeploymentKey[]> {
  const found = await reader.failedDeploymentsBeyond({ kept, limit: rowsPerTransactionMax });
  const named = new Set<string>();
  for (const functionId of new Set(found.map((deployment) => deployment.functionId))) {
    for (const { targets } of await reader.aliases(functionId)) {
      for (const { deploymentId } of targets) named.add(deploymentId);
    }
  }
  return found.filter(({ id }) => !named.has(id));
}

/** Removes them, with their ids and revisions in the audit row. Revision numbers stay taken. */
export function collectFailedDeployments(
  context: CommandContext,
): Promise<readonly DeploymentKey[]> {
  const kept = context.settings.failedDeploymentsKept;
  return context.change(async (writer) => {
    const removed = await collectableDeployments(writer, kept);
    for (const { id } of removed) await writer.deleteDeployment(id);
    return {
      output: removed,
      details: {
        failed_deployments_kept: kept,
        deployments: removed.map(({ id, functionId, revision }) => ({
          id,
          function_id: functionId,
          revision,
        })),
      },
      // A failed deployment is in no plan.
      touched: [],
    };
  });
}
