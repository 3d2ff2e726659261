import { existsSync } from "node:fs";
import { join } from "node:path";
import { findBases } from "../cgroup/find-base.ts";
import { readOwnCgroups } from "../cgroup/own-cgroups.ts";
import { groupsIn, serverGroupOf } from "../cgroup/server-groups.ts";

/** The cgroups that the server with this run folder has now, in every hierarchy. */
export function groupsLeft(runDir: string): readonly string[] {
  return findBases(readOwnCgroups()).flatMap((base) => {
    const folder = join(base.folder, serverGroupOf(runDir));
    if (!existsSync(folder)) return [];
    return [...groupsIn(folder).map((name) => join(folder, name)), folder];
  });
}
