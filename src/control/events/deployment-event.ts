import type { PlatformEvent } from "../../domain/event.ts";
import type { DeploymentRecord, FunctionRecord } from "../../domain/function.ts";

/** What is told of a deployment that is over. */
export function deploymentEvent(
  owner: Pick<FunctionRecord, "projectId" | "name">,
  deployment: Pick<DeploymentRecord, "id" | "functionId" | "revision" | "failure">,
  promoted: boolean,
): PlatformEvent {
  const { failure } = deployment;
  return {
    type: failure === undefined ? "deployment.ready" : "deployment.failed",
    projectId: owner.projectId,
    functionName: owner.name,
    depth: 0,
    data: {
      function_id: deployment.functionId,
      deployment_id: deployment.id,
      revision: deployment.revision,
      promoted,
      // Its log may be large, and is kept with the deployment.
      error: failure === undefined ? null : { code: failure.code, message: failure.message },
    },
  };
}
