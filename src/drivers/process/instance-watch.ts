import type { Clock } from "../../base/clock.ts";
import type { InstanceExit } from "../../domain/instance.ts";
import type { ManifestLimits } from "../../domain/manifest.ts";
import { exitOf } from "./exit-of.ts";
import type { ProcessEnd } from "./guest-process.ts";
import { functionLimits } from "./instance-limits.ts";
import type { Launch } from "./launch.ts";
import { LimitLog } from "./limit-log.ts";
import type { MemoryWatch, MemoryWatcher } from "./memory-watch.ts";

export interface InstanceWatchOptions {
  readonly launch: Launch;
  readonly memoryWatcher: MemoryWatcher;
  readonly processesMax: number;
  readonly clock: Clock;
  readonly isBusy: () => boolean;
  /** It is over a limit that ends it. Called once. */
  readonly onOver: (exit: InstanceExit) => void;
  /** Tells the function's author. */
  readonly warn: (message: string) => void;
}

/**
 * Holds an instance's limits, and knows which of them it came to. One that shares its process has none,
 * and one that has a machine of its own is held by that.
 */
export class InstanceWatch {
  readonly #options: InstanceWatchOptions;
  readonly #limitLog: LimitLog;
  #memory: MemoryWatch | undefined;
  #limitMb = Number.POSITIVE_INFINITY;

  constructor(options: InstanceWatchOptions) {
    const { launch, processesMax, clock, warn } = options;
    this.#options = options;
    this.#limitLog = new LimitLog({
      group: launch.group,
      processesMax,
      // At tier 0 the last process sees the machine's own /tmp.
      insider: () => (launch.isSandboxed === true ? launch.process.pids().at(-1) : undefined),
      clock,
      warn,
    });
  }

  /** The function's limits hold from here on. Throws when the kernel refuses one. */
  hold(limits: ManifestLimits): void {
    const { launch, memoryWatcher, isBusy, onOver } = this.#options;
    if (launch.isShared === true || launch.isClone === true) return;
    const limitMb = limits.memoryMb.value;
    launch.group?.limit(functionLimits(limits, this.#options));
    this.#limitMb = limitMb;
    this.#memory = memoryWatcher.watch({
      pids: () => launch.process.pids(),
      group: launch.group,
      limitMb,
      busy: isBusy,
      onLook: () => this.#limitLog.look(isBusy()),
      onOver: (peakMb) => onOver({ reason: "memory", limitMb, peakMb }),
    });
  }

  /** A request begins. */
  active(): void {
    this.#limitLog.active();
  }

  stop(): void {
    this.#memory?.stop();
  }

  /** The reason of an end that nobody of the platform's ordered. Before the group is gone. */
  exitOf(end: ProcessEnd, hungUp: boolean): InstanceExit {
    const { group } = this.#options.launch;
    const peakMb = this.#memory?.peakMb ?? 0;
    const exit = exitOf(end, { hungUp, group, limitMb: this.#limitMb, peakMb });
    const isCrash = exit.reason === "signal" || (exit.reason === "exited" && exit.code !== 0);
    return (isCrash ? this.#limitLog.processesExit() : undefined) ?? exit;
  }
}
