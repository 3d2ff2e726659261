/** What a group can limit. */
export const controllers = ["memory", "cpu", "pids"] as const;
export type Controller = (typeof controllers)[number];

/** The most that the processes of a group may have, all of them together. */
export interface GroupLimits {
  /** Anonymous memory, shared memory with files of a tmpfs, pages of files and the kernel's own. */
  readonly memoryBytes: number;
  /** Processor time per time, 1 being one processor; undefined: as much as there is. */
  readonly vcpu: number | undefined;
  /** Processes and threads. */
  readonly processes: number;
}

/** How often the kernel refused a process, and the most there were where it keeps count. */
export interface ProcessCount {
  readonly refused: number;
  readonly peak: number | undefined;
}

/**
 * How one version of cgroups is spoken to; `folder` is a group's in a hierarchy that has the
 * controller. Writing throws what the kernel answers; reading gives 0 when there is nothing to read.
 */
export interface CgroupDialect {
  readonly version: 1 | 2;
  /** Lets groups below `folder` be limited by the controller; false when they could be already. */
  enable(folder: string, controller: Controller): boolean;
  /** Takes that back. */
  disable(folder: string, controller: Controller): void;
  limitMemory(folder: string, bytes: number): void;
  limitCpu(folder: string, vcpu: number | undefined): void;
  limitProcesses(folder: string, count: number): void;
  /** Sets the share of a busy processor, 100 being the usual. */
  weigh(folder: string, weight: number): void;
  /** The most that was ever charged, in bytes. */
  memoryPeak(folder: string): number;
  /** Anonymous and shared memory, files of a tmpfs included, in bytes. */
  memoryOwn(folder: string): number;
  /** Processes that the kernel killed for being over the limit. */
  memoryKills(folder: string): number;
  /** Times that the group had to wait since its quota was used up. */
  cpuThrottles(folder: string): number;
  processCount(folder: string): ProcessCount;
}
