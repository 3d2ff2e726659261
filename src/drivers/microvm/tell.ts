import type { Clock } from "../../base/clock.ts";
import type { StartSpec } from "../driver.ts";

/** Writes a line of the platform's to the log of what is started. */
export function tell(
  { functionId, deploymentId, onLog }: Pick<StartSpec, "functionId" | "deploymentId" | "onLog">,
  clock: Clock,
  message: string,
  level: "info" | "warn" = "info",
): void {
  onLog({
    atMs: clock.now(),
    level,
    source: "platform",
    functionId,
    deploymentId,
    invocationId: undefined,
    requestId: undefined,
    message,
  });
}
