import { mkdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../../base/clock.ts";
import type { CgroupDialect, Controller, GroupLimits, ProcessCount } from "./cgroup-dialect.ts";
import { removeGroup, tryRemoveGroup } from "./remove-group.ts";

/** A group's folder in one hierarchy, and which of its controllers are used. */
export interface GroupPart {
  readonly dialect: CgroupDialect;
  readonly folder: string;
  readonly controllers: readonly Controller[];
}

/** One group in every hierarchy that is used: the processes of one instance. */
export class InstanceGroup {
  readonly #parts: readonly GroupPart[];
  readonly #by: ReadonlyMap<Controller, GroupPart>;
  #limits: Partial<GroupLimits> = {};

  /** Makes it below the parts' folders. */
  constructor(name: string, below: readonly GroupPart[]) {
    this.#parts = below.map((part) => ({ ...part, folder: join(part.folder, name) }));
    this.#by = new Map(this.#parts.flatMap((part) => part.controllers.map((each) => [each, part])));
    try {
      for (const { folder } of this.#parts) mkdirSync(folder);
    } catch (error) {
      for (const { folder } of this.#parts) tryRemoveGroup(folder);
      throw error;
    }
  }

  get folders(): readonly string[] {
    return this.#parts.map(({ folder }) => folder);
  }

  /**
   * Puts a process in, which must not have started others yet. Not at once: the kernel may take
   * 20 ms for it, in which requests go on.
   */
  async join(pid: number): Promise<void> {
    const files = this.folders.map((folder) => join(folder, "cgroup.procs"));
    await Promise.all(files.map((file) => writeFile(file, String(pid), { flag: "r+" })));
  }

  /** Sets the limits that differ from what they are. Throws when the kernel refuses one. */
  limit({ memoryBytes, vcpu, processes }: GroupLimits): void {
    const before = this.#limits;
    if (memoryBytes !== before.memoryBytes) {
      this.#on("memory", ({ dialect, folder }) => dialect.limitMemory(folder, memoryBytes));
    }
    if (vcpu !== before.vcpu) {
      this.#on("cpu", ({ dialect, folder }) => dialect.limitCpu(folder, vcpu));
    }
    if (processes !== before.processes) {
      this.#on("pids", ({ dialect, folder }) => dialect.limitProcesses(folder, processes));
    }
    this.#limits = { memoryBytes, vcpu, processes };
  }

  /** The most that was ever charged to it, in bytes. */
  memoryPeak(): number {
    return this.#on("memory", ({ dialect, folder }) => dialect.memoryPeak(folder)) ?? 0;
  }

  /** Its anonymous and shared memory, files of its tmpfs included, in bytes. */
  memoryOwn(): number {
    return this.#on("memory", ({ dialect, folder }) => dialect.memoryOwn(folder)) ?? 0;
  }

  /** How many of its processes the kernel killed for being over the memory limit. */
  memoryKills(): number {
    return this.#on("memory", ({ dialect, folder }) => dialect.memoryKills(folder)) ?? 0;
  }

  cpuThrottles(): number {
    return this.#on("cpu", ({ dialect, folder }) => dialect.cpuThrottles(folder)) ?? 0;
  }

  processCount(): ProcessCount {
    const count = this.#on("pids", ({ dialect, folder }) => dialect.processCount(folder));
    return count ?? { refused: 0, peak: undefined };
  }

  /** Kills what is in it and removes it; false when something of it is left. */
  async remove(clock: Clock): Promise<boolean> {
    const left = this.folders.filter((folder) => !tryRemoveGroup(folder));
    const removed = await Promise.all(left.map((folder) => removeGroup(folder, clock)));
    return removed.every(Boolean);
  }

  #on<T>(controller: Controller, use: (part: GroupPart) => T): T | undefined {
    const part = this.#by.get(controller);
    return part === undefined ? undefined : use(part);
  }
}
