import { statfsSync } from "node:fs";
import type { Clock } from "../../base/clock.ts";
import type { InstanceExit } from "../../domain/instance.ts";
import type { InstanceGroup } from "./cgroup/instance-group.ts";

/** Looks at a busy instance between two at its count of processes, and at its files. */
const looksPerCount = 4;
const looksPerFiles = 40;
/** An instance that ends this soon after it was refused a process ended of that; on a busy machine that takes a while. */
const refusedMsMax = 5000;

export interface LimitLogOptions {
  /** Undefined where nobody counts. */
  readonly group: InstanceGroup | undefined;
  readonly processesMax: number;
  /** A process that sees the instance's files; undefined when it sees the machine's. */
  readonly insider: () => number | undefined;
  readonly clock: Clock;
  /** Tells the function's author. */
  readonly warn: (message: string) => void;
}

/** Says when an instance came to a limit that does not end it: processes, and its `/tmp`. */
export class LimitLog {
  readonly #options: LimitLogOptions;
  #isActive = false;
  #looks = 0;
  #refused = 0;
  #refusedAtMs = Number.NEGATIVE_INFINITY;
  #isFull = false;

  constructor(options: LimitLogOptions) {
    this.#options = options;
  }

  /** A request begins; without any there is nothing to look at. */
  active(): void {
    this.#isActive = true;
  }

  /** To be called every now and then. */
  look(busy: boolean): void {
    if (!this.#isActive) return;
    this.#isActive = busy;
    this.#looks += 1;
    if (!busy || this.#looks % looksPerCount === 0) this.#lookAtProcesses();
    if (!busy || this.#looks % looksPerFiles === 0) this.#lookAtFiles();
  }

  /** Why it ended, when that was for want of a process. */
  processesExit(): InstanceExit | undefined {
    this.#lookAtProcesses();
    const { group, processesMax: limit, clock } = this.#options;
    if (group === undefined || clock.monotonicMs() - this.#refusedAtMs > refusedMsMax) {
      return undefined;
    }
    return { reason: "processes", limit, peak: group.processCount().peak ?? limit };
  }

  #lookAtProcesses(): void {
    const { group, processesMax, clock, warn } = this.#options;
    const count = group?.processCount();
    if (count === undefined || count.refused <= this.#refused) return;
    const times = count.refused - this.#refused;
    const nowMs = clock.monotonicMs();
    const isNew = nowMs - this.#refusedAtMs > refusedMsMax;
    this.#refused = count.refused;
    this.#refusedAtMs = nowMs;
    // One that goes on trying is told of once.
    if (!isNew) return;
    const peak = count.peak === undefined ? "" : `, ${count.peak} at most at once`;
    warn(
      `It reached its limit of ${processesMax} processes and threads${peak}: ${times} more were refused with EAGAIN`,
    );
  }

  #lookAtFiles(): void {
    const pid = this.#options.insider();
    const space = pid === undefined ? undefined : spaceOf(`/proc/${pid}/root/tmp`);
    const isFull = space?.free === 0;
    if (isFull && !this.#isFull) {
      const mb = Math.round(space.all / (1024 * 1024));
      this.#options.warn(`Its /tmp of ${mb} MB is full: writing more fails with ENOSPC`);
    }
    this.#isFull = isFull;
  }
}

/** Bytes of a file system in all and free; undefined when it cannot be asked. */
function spaceOf(path: string): { readonly all: number; readonly free: number } | undefined {
  try {
    const { bsize, blocks, bavail } = statfsSync(path);
    return { all: bsize * blocks, free: bsize * bavail };
  } catch {
    // The process is gone, or belongs to a user whose files this one may not see.
    return undefined;
  }
}
