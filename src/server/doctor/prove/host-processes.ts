import { readdirSync, readFileSync } from "node:fs";
import type { Clock } from "../../../base/clock.ts";
import {
  argumentsOf,
  childrenOf,
  killHard,
  processTree,
  startTimeOf,
} from "../../../drivers/process/process-tree.ts";

/** One process, for ever: ids are given out again. */
export interface KnownProcess {
  readonly pid: number;
  readonly startTime: string;
}

const pollMs = 10;

/** Every process below one, itself left out. */
export function processesBelow(pid: number): readonly KnownProcess[] {
  return known(processTree(pid).slice(1));
}

/** The same, apart for each process that it started itself: for a server, one for each instance. */
export function treesBelow(pid: number): readonly (readonly KnownProcess[])[] {
  return childrenOf(pid).map((child) => known(processTree(child)));
}

/** Every process with the text among its arguments. */
export function processesNaming(text: string): readonly KnownProcess[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return known(
    pids.map(Number).filter((pid) => {
      return pid !== process.pid && argumentsOf(pid).some((argument) => argument.includes(text));
    }),
  );
}

/** Waits until none of them is alive, at most `withinMs`; resolves with those that are and the time it took. */
export async function waitForEnd(
  processes: readonly KnownProcess[],
  { clock, withinMs }: { readonly clock: Clock; readonly withinMs: number },
): Promise<{ readonly left: readonly KnownProcess[]; readonly tookMs: number }> {
  const beganMs = clock.monotonicMs();
  for (;;) {
    const left = processes.filter(isAlive);
    const tookMs = clock.monotonicMs() - beganMs;
    if (left.length === 0 || tookMs > withinMs) return { left, tookMs };
    await clock.sleep(pollMs);
  }
}

/** Ends what a probe left behind, with what that started. */
export function killAll(processes: readonly KnownProcess[]): void {
  for (const process of processes.filter(isAlive)) {
    for (const pid of processTree(process.pid)) killHard(pid);
  }
}

/** Processor time that they have used so far, in the kernel's ticks; of those that ended nothing. */
export function processorTicks(processes: readonly KnownProcess[]): number {
  return processes.filter(isAlive).reduce((sum, { pid }) => sum + ticksOf(pid), 0);
}

function ticksOf(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    // Behind the program's name, which may hold anything, come the state and ten numbers.
    const [user, system] = text
      .slice(text.lastIndexOf(")") + 2)
      .split(" ")
      .slice(11, 13);
    return Number(user) + Number(system);
  } catch {
    // It ended between two looks.
    return 0;
  }
}

function known(pids: readonly number[]): KnownProcess[] {
  return pids
    .map((pid) => ({ pid, startTime: startTimeOf(pid) ?? "" }))
    .filter((process) => process.startTime !== "" && isAlive(process));
}

/** A zombie has ended: what is left of it is a line for its parent to read. */
function isAlive({ pid, startTime }: KnownProcess): boolean {
  return startTimeOf(pid) === startTime && argumentsOf(pid).join("") !== "";
}
