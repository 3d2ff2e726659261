import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../../base/clock.ts";
import { findBases } from "../cgroup/find-base.ts";
import { ownCgroups } from "../cgroup/own-cgroups.ts";
import { removeGroup } from "../cgroup/remove-group.ts";
import { serverGroupOf } from "../cgroup/server-groups.ts";

/** The cgroups that the server with this run folder has now, in every hierarchy. */
export function groupsLeft(runDir: string): readonly string[] {
  const [cgroup = "", mountinfo = ""] = ["cgroup", "mountinfo"].map((file) =>
    readFileSync(`/proc/self/${file}`, "utf8"),
  );
  return findBases(ownCgroups(cgroup, mountinfo)).flatMap((base) => {
    const folder = join(base.folder, serverGroupOf(runDir));
    if (!existsSync(folder)) return [];
    const entries = readdirSync(folder, { withFileTypes: true });
    const names = entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
    return [...names.map((name) => join(folder, name)), folder];
  });
}

/** Removes what a server left that was killed and is started no more. */
export async function removeGroupsLeft(runDir: string): Promise<void> {
  for (const folder of groupsLeft(runDir)) await removeGroup(folder, systemClock);
}
