import type { CgroupDialect } from "./cgroup-dialect.ts";
import { hasFile, readFields, readNumber, writeValue } from "./group-files.ts";

/** Length of the time over which a quota is counted, in microseconds. */
const periodUs = 100_000;
/** The least quota that the kernel takes, in microseconds. */
const quotaUsMin = 1000;

const memoryLimit = "memory.limit_in_bytes";
/** Memory and swap together; there unless the kernel was told to keep no account of swap. */
const swapLimit = "memory.memsw.limit_in_bytes";

/** A hierarchy for each controller, or for some of them together. */
export const cgroupV1: CgroupDialect = {
  version: 1,
  // A controller holds in every group of its hierarchy.
  enable: () => false,
  disable() {},
  limitMemory(folder, bytes) {
    const files = hasFile(folder, swapLimit) ? [memoryLimit, swapLimit] : [memoryLimit];
    // The limit with swap may at no time be below the one without.
    if (bytes > readNumber(folder, memoryLimit)) files.reverse();
    for (const file of files) writeValue(folder, file, bytes);
    if (files.length === 1) writeValue(folder, "memory.swappiness", 0);
  },
  limitCpu(folder, vcpu) {
    writeValue(folder, "cpu.cfs_period_us", periodUs);
    const quotaUs = vcpu === undefined ? -1 : Math.max(quotaUsMin, Math.round(vcpu * periodUs));
    writeValue(folder, "cpu.cfs_quota_us", quotaUs);
  },
  limitProcesses: (folder, count) => writeValue(folder, "pids.max", count),
  weigh: (folder, weight) =>
    writeValue(folder, "cpu.shares", Math.max(2, Math.round(weight * 10.24))),
  memoryPeak: (folder) => readNumber(folder, "memory.max_usage_in_bytes"),
  memoryOwn: (folder) => readFields(folder, "memory.stat", "rss", "shmem"),
  memoryKills: (folder) => readFields(folder, "memory.oom_control", "oom_kill"),
  cpuThrottles: (folder) => readFields(folder, "cpu.stat", "nr_throttled"),
  processCount: (folder) => ({
    refused: readFields(folder, "pids.events", "max"),
    peak: readNumber(folder, "pids.peak") || undefined,
  }),
};
