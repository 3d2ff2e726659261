import { basename, dirname, join } from "node:path";
import { readSmallFile } from "../read-small-file.ts";
import { type CgroupDialect, type Controller, controllers } from "./cgroup-dialect.ts";
import { cgroupV1 } from "./cgroup-v1.ts";
import { cgroupV2 } from "./cgroup-v2.ts";
import type { OwnCgroup } from "./own-cgroups.ts";

/** Where groups may be made in one hierarchy: below the group that this process was started in. */
export interface Base {
  readonly dialect: CgroupDialect;
  readonly folder: string;
  readonly controllers: readonly Controller[];
}

/** Name of the group that holds all groups of a server. */
const serverGroupName = /^reactor-[0-9a-f]{12}$/;
/** Name of the group below it that the server itself is in. */
export const ownGroupName = "server";

/**
 * The hierarchies that have a controller of ours, each controller in one of them: where both
 * versions are mounted, one that version 1 has is not to be had in version 2.
 */
export function findBases(own: readonly OwnCgroup[]): readonly Base[] {
  const taken = new Set<Controller>();
  const first = own.toSorted((a, b) => a.version - b.version);
  return first.flatMap(({ version, controllers: named, folder: at }) => {
    const folder = startedIn(at);
    const listed =
      version === 1
        ? named
        : (readSmallFile(join(folder, "cgroup.controllers")) ?? "").trim().split(" ");
    const useful = controllers.filter((each) => listed.includes(each) && !taken.has(each));
    for (const each of useful) taken.add(each);
    if (useful.length === 0) return [];
    return [{ dialect: version === 1 ? cgroupV1 : cgroupV2, folder, controllers: useful }];
  });
}

/** A driver that opens later finds the server where an earlier one has put it. */
function startedIn(folder: string): string {
  const above = dirname(folder);
  const isOwn = basename(folder) === ownGroupName && serverGroupName.test(basename(above));
  return isOwn ? dirname(above) : folder;
}
