import type { Log } from "../base/log.ts";
import type { DeploymentRecord } from "../domain/function.ts";
import type { Store } from "../store/store.ts";
import type { CommandContext } from "./command.ts";
import { auditRecord } from "./audit.ts";
import { systemCaller } from "../domain/caller.ts";

/**
 * Marks as failed, with the reason, every deployment that the last run of the server left
 * half-made. Their code is kept; deploying again makes a new revision.
 */
export async function failInterruptedDeployments(
  services: { readonly store: Store; readonly log: Log } & Pick<CommandContext, "clock" | "ids">,
): Promise<readonly DeploymentRecord[]> {
  const { store, log } = services;
  const interrupted = await store.read(async (reader) => [
    ...(await reader.deploymentsByStatus("pending")),
    ...(await reader.deploymentsByStatus("materializing")),
  ]);
  if (interrupted.length === 0) return [];
  await store.write(async (writer) => {
    for (const { id, status, functionId, revision } of interrupted) {
      const message = `The server stopped while the deployment was ${status}; deploy it again`;
      await writer.updateDeployment(id, {
        status: "failed",
        failure: { code: "deployment_failed", message, log: "" },
      });
      await writer.insertAudit(
        auditRecord(services, {
          caller: systemCaller,
          command: "deployments.recover",
          subject: id,
          outcome: "failed",
          details: { function_id: functionId, revision, status },
        }),
      );
    }
  });
  log.warn("deployments were interrupted by the last stop and are failed now", {
    deployments: interrupted.map(({ id }) => id),
  });
  return interrupted;
}
