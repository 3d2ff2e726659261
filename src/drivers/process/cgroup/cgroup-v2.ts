import { join } from "node:path";
import { readSmallFile } from "../read-small-file.ts";
import type { CgroupDialect } from "./cgroup-dialect.ts";
import { hasFile, readFields, readNumber, writeValue } from "./group-files.ts";

/** Length of the time over which a quota is counted, in microseconds. */
const periodUs = 100_000;
/** The least quota that the kernel takes, in microseconds. */
const quotaUsMin = 1000;

/** The controllers that a group hands on to those below it. */
const handedOn = "cgroup.subtree_control";

/** One hierarchy for all controllers, each of which a group hands on to those below it or not. */
export const cgroupV2: CgroupDialect = {
  version: 2,
  enable(folder, controller) {
    const enabled = readSmallFile(join(folder, handedOn))?.trim().split(" ") ?? [];
    if (enabled.includes(controller)) return false;
    writeValue(folder, handedOn, `+${controller}`);
    return true;
  },
  disable: (folder, controller) => writeValue(folder, handedOn, `-${controller}`),
  limitMemory(folder, bytes) {
    // Absent where the kernel has no swap.
    if (hasFile(folder, "memory.swap.max")) writeValue(folder, "memory.swap.max", 0);
    // One process that the kernel kills takes the others with it: no half of an instance goes on.
    if (hasFile(folder, "memory.oom.group")) writeValue(folder, "memory.oom.group", 1);
    writeValue(folder, "memory.max", bytes);
  },
  limitCpu(folder, vcpu) {
    const quotaUs = vcpu === undefined ? "max" : Math.max(quotaUsMin, Math.round(vcpu * periodUs));
    writeValue(folder, "cpu.max", `${quotaUs} ${periodUs}`);
  },
  limitProcesses: (folder, count) => writeValue(folder, "pids.max", count),
  weigh: (folder, weight) => writeValue(folder, "cpu.weight", weight),
  memoryPeak: (folder) =>
    // Kernels before 5.19 keep no peak.
    readNumber(folder, "memory.peak") || readNumber(folder, "memory.current"),
  memoryOwn: (folder) => readFields(folder, "memory.stat", "anon", "shmem"),
  memoryKills: (folder) => readFields(folder, "memory.events", "oom_kill"),
  cpuThrottles: (folder) => readFields(folder, "cpu.stat", "nr_throttled"),
  processCount: (folder) => ({
    refused: readFields(folder, "pids.events", "max"),
    peak: readNumber(folder, "pids.peak") || undefined,
  }),
};
