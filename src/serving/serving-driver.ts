import { ReactorError } from "../domain/errors.ts";
import type { Driver } from "../drivers/driver.ts";
import { driverKey } from "../drivers/driver-table.ts";
import { type KnownDrivers, tierShortfall } from "./driver-for.ts";
import type { RouteTarget } from "./route-table.ts";

/** How long to wait before asking again for what an operator has to change. */
const retryAfterSecs = 60;

/**
 * The driver that is to run a deployment, or why it may not run: it was deployed when this server
 * had the runtime, or on a machine that isolates better.
 */
export function servingDriver(
  { deployment, label }: RouteTarget,
  { drivers, probes }: KnownDrivers,
): Driver | ReactorError {
  const { manifest, deploymentId } = deployment;
  const { runtime, isolation } = manifest;
  const key = driverKey(runtime, isolation);
  const driver = drivers.get(key);
  if (driver === undefined) {
    return new ReactorError(
      "runtime_error",
      `Cannot run "${label}": this server does not run "${runtime}" functions at isolation "${isolation}"; see "reactor doctor"`,
    );
  }
  const shortfall = tierShortfall(manifest, probes.get(key));
  if (shortfall === undefined) return driver;
  const { reason, remedy, minTier, tier } = shortfall;
  return new ReactorError("deployment_not_ready", `Cannot run "${label}": ${reason}; ${remedy}`, {
    retryAfterSecs,
    details: {
      function: manifest.name,
      deployment_id: deploymentId,
      min_tier: minTier,
      tier,
      remedy,
    },
  });
}
