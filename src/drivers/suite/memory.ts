import { readFileSync } from "node:fs";
import process from "node:process";
import type { Instance } from "../driver.ts";

const pageBytes = 4096;

/** Resident bytes of a process; 0 once it is gone. */
function residentBytes(pid: number | "self"): number {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]) * pageBytes;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return 0;
    throw error;
  }
}

/** Resident bytes of this process and of the instance's processes together. */
export function totalResidentBytes(instance: Instance): number {
  const guest = instance.pids.reduce((sum, pid) => sum + residentBytes(pid), 0);
  return residentBytes("self") + guest;
}

/**
 * Bytes this process really holds, after a collection. Resident memory alone can hide a hoard in
 * pages that an earlier test left free.
 */
export function heldBytes(): number {
  if (typeof Bun !== "undefined") Bun.gc(true);
  // Bun counts buffers within the heap, Node beside it.
  const { heapUsed, external } = process.memoryUsage();
  return Math.max(heapUsed, external);
}
