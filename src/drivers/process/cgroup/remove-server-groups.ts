import { join } from "node:path";
import type { Clock } from "../../../base/clock.ts";
import { findBases } from "./find-base.ts";
import { readOwnCgroups } from "./own-cgroups.ts";
import { removeGroup } from "./remove-group.ts";
import { groupsIn, serverGroupOf } from "./server-groups.ts";

/**
 * Removes every group of the server with this run folder, and what is still in one. For whoever
 * killed it and starts it no more: else its next start sweeps.
 */
export async function removeServerGroups(runDir: string, clock: Clock): Promise<void> {
  for (const base of findBases(readOwnCgroups())) {
    const folder = join(base.folder, serverGroupOf(runDir));
    await Promise.all(groupsIn(folder).map((name) => removeGroup(join(folder, name), clock)));
    await removeGroup(folder, clock);
  }
}
