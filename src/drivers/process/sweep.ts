import { lstatSync, readdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { argumentsOf, killHard, processTree, startTimeOf, uidOf } from "./process-tree.ts";
import { instanceUidFirst, instanceUidLast } from "./run-dir.ts";

/** What a sweep found and removed. */
export interface SweepResult {
  readonly processes: number;
  readonly folders: number;
}

/** Programs that an instance's outermost process may be. */
const outermost = new Set(["bwrap"]);

/**
 * Ends what a server that died left below `runDir`: guests that are still alive and folders of
 * instances. The folder must belong to this server alone. A sandboxed guest dies with its server;
 * an unsandboxed one may not have. Removes nothing when the folder, or that of the instances, is a
 * link or another user's: then it is not what a server left.
 *
 * @param runtimePaths further programs that an instance may be, beside those of the folder itself.
 */
export function sweep(runDir: string, runtimePaths: readonly string[] = []): SweepResult {
  const slotsDir = join(runDir, "i");
  if (!isOwnFolder(runDir) || !isOwnFolder(slotsDir)) return { processes: 0, folders: 0 };
  const stale = instancesBelow(runDir, slotsDir, runtimePaths);
  for (const { pid, startTime } of stale) endTree(pid, startTime);
  const folders = readdirSync(slotsDir);
  // A link among them is removed and not followed.
  for (const folder of folders) rmSync(join(slotsDir, folder), { recursive: true, force: true });
  return { processes: stale.length, folders: folders.length };
}

interface StaleInstance {
  readonly pid: number;
  /** With the id it names one process for ever: ids are given out again. */
  readonly startTime: string;
}

/**
 * Outermost processes of instances: such a process runs as the user of an instance (any user's when
 * the server is not root, but then only its own can be ended), its program is one that the server
 * starts, and its arguments name a socket below the folder. An editor, a shell or a `tail` of a file
 * there is none.
 */
function instancesBelow(
  runDir: string,
  slotsDir: string,
  runtimePaths: readonly string[],
): StaleInstance[] {
  const programs = new Set([...runtimePaths, join(runDir, "runtime")]);
  const isProgram = (path: string): boolean => programs.has(path) || outermost.has(basename(path));
  return readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    if (!/^\d+$/.test(name) || pid === process.pid) return [];
    const startTime = startTimeOf(pid);
    const [program = "", ...args] = argumentsOf(pid);
    const isInstance =
      startTime !== undefined &&
      isProgram(program) &&
      args.some((arg) => isSocketIn(arg, slotsDir)) &&
      isInstanceUser(uidOf(pid));
    return isInstance ? [{ pid, startTime }] : [];
  });
}

/** `<slotsDir>/<slot>/s`, or the slot itself as bubblewrap is told to mount it. */
function isSocketIn(arg: string, slotsDir: string): boolean {
  const prefix = `${slotsDir}/`;
  return arg.startsWith(prefix) && /^[0-9a-z]{1,6}(\/s)?$/.test(arg.slice(prefix.length));
}

function isInstanceUser(uid: number | undefined): boolean {
  const own = process.getuid?.();
  if (own !== 0) return uid === own;
  return uid !== undefined && uid >= instanceUidFirst && uid <= instanceUidLast;
}

/** Kills the tree unless the id has another owner by now. */
function endTree(pid: number, startTime: string): void {
  const members = processTree(pid);
  if (startTimeOf(pid) !== startTime) return;
  for (const member of members) killHard(member);
}

function isOwnFolder(path: string): boolean {
  const state = lstatSync(path, { throwIfNoEntry: false });
  return state?.isDirectory() === true && state.uid === (process.getuid?.() ?? state.uid);
}
