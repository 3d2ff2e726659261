import { ReactorError } from "../domain/errors.ts";
import type { DeploymentRecord, FunctionRecord } from "../domain/function.ts";
import type { StoreReader } from "../store/store.ts";

const revisionPattern = /^[1-9][0-9]{0,8}$/;

/** A deployment of the function by id or revision number; `deployment_not_found` otherwise. */
export async function findDeployment(
  reader: StoreReader,
  owner: FunctionRecord,
  idOrRevision: string,
): Promise<DeploymentRecord> {
  const found = revisionPattern.test(idOrRevision)
    ? await reader.deploymentByRevision(owner.id, Number(idOrRevision))
    : await reader.deployment(idOrRevision);
  if (found?.functionId === owner.id) return found;
  throw new ReactorError(
    "deployment_not_found",
    `Cannot find deployment ${JSON.stringify(idOrRevision.slice(0, 80))} of function "${owner.name}"; list them with: reactor functions deployments list ${owner.name}`,
    { details: { function: owner.name, deployment: idOrRevision.slice(0, 80) } },
  );
}

/** The newest deployment by revision; `deployment_not_found` when there was never one. */
export async function findNewestDeployment(
  reader: StoreReader,
  owner: FunctionRecord,
): Promise<DeploymentRecord> {
  const page = await reader.listDeployments(owner.id, { limit: 1, cursor: undefined });
  const newest = page.items[0];
  if (newest !== undefined) return newest;
  throw new ReactorError(
    "deployment_not_found",
    `Cannot find a deployment of function "${owner.name}": it was never deployed; deploy it with: reactor functions deploy ${owner.name} --dir DIR`,
    { details: { function: owner.name } },
  );
}

/** Throws unless the deployment is ready: the code and the message say what it is instead. */
export function requireReady(
  action: string,
  deployment: DeploymentRecord,
  functionName: string,
): void {
  const { id, revision, status } = deployment;
  const state = `Cannot ${action} deployment "${id}" (revision ${revision}): state is "${status}", must be "ready"`;
  const details = { deployment_id: id, revision, status };
  switch (status) {
    case "ready":
      return;
    case "pending":
    case "materializing":
      throw new ReactorError("deployment_not_ready", `${state}; try again in a moment`, {
        details,
        retryAfterSecs: 2,
      });
    case "failed":
      throw new ReactorError(
        "deployment_failed",
        `${state}; ${firstLine(deployment.failure?.message) ?? "its log says why"}; see: reactor functions deployments get ${functionName} ${revision}`,
        { details: { ...details, failure: deployment.failure?.code } },
      );
    case "destroyed":
      throw new ReactorError("conflict", `${state}; deploy its code again`, { details });
  }
}

/** The others show where in the code it is, and belong to the deployment. */
function firstLine(text: string | undefined): string | undefined {
  return text?.split("\n")[0]?.trimEnd();
}
