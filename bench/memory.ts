import { readFileSync } from "node:fs";
import { argumentsOf, childrenOf, processTree } from "../src/drivers/process/process-tree.ts";

/**
 * Proportional set size in kB of some processes: their own memory plus their share of what they map
 * together with others.
 */
export function pssKb(pids: readonly number[]): number {
  let total = 0;
  for (const pid of pids) {
    total += Number(/^Pss:\s+(\d+) kB$/m.exec(rollupOf(pid))?.[1] ?? 0);
  }
  return total;
}

/** Empty when the process is gone: blank instances leave by themselves while they are counted. */
function rollupOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  } catch (error) {
    if (error instanceof Error && /ENOENT|ESRCH/.test(error.message)) return "";
    throw error;
  }
}

/** The processes of a Reactor by what they are for. */
export interface ReactorProcesses {
  /** The server and what it runs for itself, such as the bundler. */
  readonly server: readonly number[];
  /** One list for each sandbox: bubblewrap's own two processes and the guest. */
  readonly sandboxes: readonly (readonly number[])[];
}

/** Sorts the processes below a server; every sandbox has the guest's file among its arguments. */
export function reactorProcesses(serverPid: number): ReactorProcesses {
  const server = [serverPid];
  const sandboxes: number[][] = [];
  for (const child of childrenOf(serverPid)) {
    const isSandbox = argumentsOf(child).includes("--seccomp");
    if (isSandbox) sandboxes.push(processTree(child));
    else server.push(...processTree(child));
  }
  return { server, sandboxes };
}
