import { readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../../base/clock.ts";
import { killHard } from "../process-tree.ts";

/** A group whose processes were killed may be in use until they are gone, which these looks wait for. */
const retryMs = 5;
const retriesMax = 400;

/** Kills what is in a group, if anything, and removes it; false when it cannot be removed. */
export async function removeGroup(folder: string, clock: Clock): Promise<boolean> {
  for (let look = 0; look < retriesMax; look++) {
    if (tryRemoveGroup(folder)) return true;
    killAll(folder);
    await clock.sleep(retryMs);
  }
  return false;
}

/** Removes a group without processes; false when there still are some. */
export function tryRemoveGroup(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT") return true;
    if (code === "EBUSY" || code === "ENOTEMPTY") return false;
    throw error;
  }
}

/** The processes of a group, not of those below it. */
export function membersOf(folder: string): number[] {
  try {
    const text = readFileSync(join(folder, "cgroup.procs"), "latin1");
    return text.split("\n").filter(Boolean).map(Number);
  } catch {
    // The group is gone, and with it every member.
    return [];
  }
}

function killAll(folder: string): void {
  const members = membersOf(folder).filter((pid) => pid !== process.pid);
  if (members.length === 0) return;
  try {
    // All at once, so that none can fork away. Version 2 since kernel 5.14.
    writeFileSync(join(folder, "cgroup.kill"), "1", { flag: "r+" });
  } catch {
    // Without that file, one by one; whoever is left or new is found at the next look.
    for (const pid of members) killHard(pid);
  }
}
