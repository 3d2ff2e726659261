import type { DeploymentResource } from "../../client/resources.ts";

/** What the generated files say of one function. Its schemas are text of a stranger. */
export interface DescribedFunction {
  readonly name: string;
  readonly project: string;
  readonly route: DeploymentResource["manifest"]["route"];
  readonly access: DeploymentResource["manifest"]["access"];
  readonly schemas: DeploymentResource["schemas"];
}
