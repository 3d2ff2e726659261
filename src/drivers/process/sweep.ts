import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { argumentsOf, killHard, processTree } from "./process-tree.ts";

/** What a sweep found and removed. */
export interface SweepResult {
  readonly processes: number;
  readonly folders: number;
}

/**
 * Ends what a server that died left below `runDir`: guests that are still alive and folders of
 * instances. The folder must belong to this server alone. A sandboxed guest dies with its server;
 * an unsandboxed one may not have.
 */
export function sweep(runDir: string): SweepResult {
  const stale = processesOf(runDir);
  for (const pid of stale) for (const member of processTree(pid)) killHard(member);
  const slotsDir = join(runDir, "i");
  const folders = entriesOf(slotsDir);
  for (const folder of folders) rmSync(join(slotsDir, folder), { recursive: true, force: true });
  return { processes: stale.length, folders: folders.length };
}

/** Processes that were started on a socket below the folder. */
function processesOf(runDir: string): number[] {
  const prefix = `${join(runDir, "i")}/`;
  return entriesOf("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && argumentsOf(pid).some((arg) => arg.startsWith(prefix)));
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
