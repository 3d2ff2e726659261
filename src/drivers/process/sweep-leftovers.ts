import { join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { type ServerGroups, sweepGroups } from "./cgroup/server-groups.ts";
import type { SharedGroups } from "./cgroup/shared-groups.ts";
import { readSmallFile } from "./read-small-file.ts";
import type { RunDir } from "./run-dir.ts";
import { sweep } from "./sweep.ts";

/** Its name in a driver's folder: which groups its instances are below. */
const groupsFile = "groups.json";

export interface SweepLeftoversOptions {
  /** The driver's folder below the server's run folder. */
  readonly path: string;
  /** What the names of its groups begin with. */
  readonly name: string;
  readonly binaryPath: string;
  /** The server's groups in every hierarchy, as they are now. */
  readonly groupFolders: readonly string[];
  readonly shared: Pick<SharedGroups, "name">;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Ends and removes what a server that died left of one driver. Groups go last: what a sweep of
 * processes ends is out of them then.
 */
export async function sweepLeftovers(options: SweepLeftoversOptions): Promise<void> {
  const { path, name, binaryPath, groupFolders, shared, clock, log } = options;
  const swept = sweep(path, [binaryPath]);
  const earlier = foldersIn(readSmallFile(join(path, groupsFile)));
  const folders = [...new Set([...groupFolders, ...earlier])];
  const count = await sweepGroups({ folders, name: shared.name, prefix: name, clock });
  if (swept.processes + swept.folders + count > 0) {
    const found = { runtime: name, ...swept, groups: count };
    log.warn("Removed what an earlier server left", found);
  }
}

/** Writes down for a later sweep where the groups are. */
export function rememberGroups(runDir: RunDir, groups: ServerGroups | undefined): void {
  if (groups !== undefined) runDir.publish(groupsFile, JSON.stringify(groups.folders));
}

/** The folders that an earlier server wrote down; it may have died while it wrote. */
function foldersIn(json: string | undefined): readonly string[] {
  try {
    const parsed: unknown = JSON.parse(json ?? "[]");
    return Array.isArray(parsed) ? parsed.filter((each) => typeof each === "string") : [];
  } catch {
    return [];
  }
}
