import type { Plan } from "../domain/plan.ts";
import { type ProbeTable, driverKey } from "../drivers/driver-table.ts";
import { tierShortfall } from "./driver-for.ts";

/**
 * What an alias leads to and this machine may not run, since it isolates less than the manifest
 * demands; a sentence for each, for the operator to see before the callers do.
 */
export function unservedFunctions(plan: Plan, probes: ProbeTable): readonly string[] {
  return [...plan.functions].flatMap(([name, { aliases, deployments }]) => {
    const revisions = [...aliases.values()].flat().map(({ revision }) => revision);
    return [...new Set(revisions)].flatMap((revision) => {
      const manifest = deployments.get(revision)?.manifest;
      const shortfall =
        manifest &&
        tierShortfall(manifest, probes.get(driverKey(manifest.runtime, manifest.isolation)));
      if (shortfall === undefined) return [];
      const { reason, remedy } = shortfall;
      return [`FUNCTION ${name}@${revision} IS NOT SERVED: ${reason}; ${remedy}`];
    });
  });
}
