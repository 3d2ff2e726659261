import { readdirSync } from "node:fs";
import { readSmallFile } from "./read-small-file.ts";

/** Size of the pages that statm counts: 4096 on x86-64, up to 65536 on arm64. */
const pageBytes =
  Number(/KernelPageSize:\s+(\d+) kB/.exec(readSmallFile("/proc/self/smaps") ?? "")?.[1] ?? 4) *
  1024;

/** The processes that any thread of `pid` started and that are still its children. */
export function childrenOf(pid: number): number[] {
  let threads: string[];
  try {
    threads = readdirSync(`/proc/${pid}/task`);
  } catch {
    // The process is gone, and its children have another parent.
    return [];
  }
  const children: number[] = [];
  for (const thread of threads) {
    const text = readSmallFile(`/proc/${pid}/task/${thread}/children`);
    if (text === undefined || text === "") continue;
    for (const child of text.trimEnd().split(" ")) children.push(Number(child));
  }
  return children;
}

/** `pid` and everything below it, parents first; at most `countMax` processes. */
export function processTree(pid: number, countMax = 1024): number[] {
  const tree = [pid];
  for (let index = 0; index < tree.length && tree.length < countMax; index++) {
    tree.push(...childrenOf(tree[index] as number));
  }
  return tree;
}

/** Bytes of memory a process has resident; 0 when it is gone. */
export function residentBytes(pid: number): number {
  const text = readSmallFile(`/proc/${pid}/statm`);
  return text === undefined ? 0 : Number(text.split(" ", 2)[1]) * pageBytes;
}

/**
 * Bytes of memory that are a process's own: anonymous and shared memory, without the pages of files
 * such as the runtime's binary, which all processes share and the kernel can drop.
 */
export function ownBytes(pid: number): number {
  const text = readSmallFile(`/proc/${pid}/status`) ?? "";
  const kilobytes = (name: string): number => {
    const at = text.indexOf(name);
    return at === -1 ? 0 : Number.parseInt(text.slice(at + name.length), 10);
  };
  return (kilobytes("RssAnon:") + kilobytes("RssShmem:")) * 1024;
}

/** The arguments of a process; empty when it is gone. */
export function argumentsOf(pid: number): string[] {
  return (readSmallFile(`/proc/${pid}/cmdline`) ?? "").split("\0");
}

/** When a process started, in the kernel's ticks; undefined when it is gone. */
export function startTimeOf(pid: number): string | undefined {
  const text = readSmallFile(`/proc/${pid}/stat`);
  // The second field is the program's name in parentheses and may hold anything.
  return text?.slice(text.lastIndexOf(")") + 2).split(" ", 20)[19];
}

/** The user that a process runs as; undefined when it is gone. */
export function uidOf(pid: number): number | undefined {
  const uid = /^Uid:\t(\d+)/m.exec(readSmallFile(`/proc/${pid}/status`) ?? "")?.[1];
  return uid === undefined ? undefined : Number(uid);
}

/** Sends SIGKILL to a process, or with a negative id to its group; false when there is none. */
export function killHard(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
  }
}
