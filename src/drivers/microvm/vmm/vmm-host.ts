import { basename, join } from "node:path";
import type { Clock } from "../../../base/clock.ts";
import type { Log } from "../../../base/log.ts";
import type { Random } from "../../../base/random.ts";
import type { GroupLimits } from "../../process/cgroup/cgroup-dialect.ts";
import type { InstanceGroup } from "../../process/cgroup/instance-group.ts";
import type { SharedGroups } from "../../process/cgroup/shared-groups.ts";
import { type GuestProcess, type InheritedFile, spawnGuest } from "../../process/guest-process.ts";
import { openGroup } from "../../process/instance-limits.ts";
import { publishFilter } from "../../process/process-runtime.ts";
import { openRunDir, type RunDir, type RunSlot } from "../../process/run-dir.ts";
import { findBubblewrap, sandboxRemedies } from "../../process/sandbox-probe.ts";
import { rememberGroups, sweepLeftovers } from "../../process/sweep-leftovers.ts";
import { templateGuard } from "./template-guard.ts";
import { VmmError } from "./vmm-error.ts";
import { vmmCommand, type VmmProfile, type VmmProgram } from "./vmm-command.ts";

/** Processes and threads of one VMM: one for each virtual processor, and some of its own. */
const processesMax = 128;

export interface VmmHostOptions {
  /** Folder of this server that other users can reach. */
  readonly runDir: string;
  /** Name of the folder below it, and what names of groups begin with. */
  readonly name: string;
  /** The VMM, to tell what an earlier server left. */
  readonly binaryPath: string;
  readonly groups: SharedGroups;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface VmmSpawn {
  readonly slot: RunSlot;
  readonly program: VmmProgram;
  /** Open in it by `inheritedPath(0)`, `(1)`, …. */
  readonly files: readonly InheritedFile[];
  readonly limits: Omit<GroupLimits, "processes">;
}

/** A VMM that was started, and the group it is in. */
export interface SpawnedVmm {
  readonly process: GuestProcess;
  readonly group: InstanceGroup | undefined;
}

/** Starts VMM processes, each in the sandbox as a user of its own, below one folder. */
export class VmmHost {
  readonly #profile: VmmProfile;
  readonly #runDir: RunDir;
  readonly #shared: SharedGroups;
  /** By the path that it was found at: one that every machine's user can execute. */
  readonly #binaries = new Map<string, string>();

  readonly #published = new Map<string, string>();

  private constructor(profile: VmmProfile, runDir: RunDir, shared: SharedGroups) {
    this.#profile = profile;
    this.#runDir = runDir;
    this.#shared = shared;
  }

  /**
   * Removes what a server that died left, machines included, and prepares the folder. Throws
   * `unavailable` where there is no sandbox: a VMM is never run without one.
   */
  static async open(options: VmmHostOptions): Promise<VmmHost> {
    const { name, binaryPath, groups: shared, clock, random, log } = options;
    const bwrap = findBubblewrap();
    if (bwrap === undefined) {
      const [remedy] = sandboxRemedies(bwrap);
      throw new VmmError("unavailable", `Cannot sandbox a virtual machine: ${remedy}`);
    }
    const path = join(options.runDir, name);
    const { groups } = await shared.enter();
    try {
      const groupFolders = groups?.folders ?? [];
      await sweepLeftovers({ path, name, binaryPath, groupFolders, shared, clock, log });
      const runDir = openRunDir({ path, random });
      rememberGroups(runDir, groups);
      const filterPath = publishFilter(runDir);
      const guardPaths = {
        kvm: runDir.publish("guard-kvm.bpf", templateGuard({ kvm: true })),
        tcg: runDir.publish("guard-tcg.bpf", templateGuard({ kvm: false })),
      };
      const profile = { bwrap, groups, groupPrefix: name, processesMax, filterPath, guardPaths };
      return new VmmHost(profile, runDir, shared);
    } catch (error) {
      await shared.leave();
      throw error;
    }
  }

  /** A folder for the sockets of one machine. */
  openSlot(): RunSlot {
    return this.#runDir.openSlot();
  }

  spawn({ slot, program, files, limits }: VmmSpawn): SpawnedVmm {
    const profile = this.#profile;
    const group = openGroup(profile, slot, { ...limits, processes: processesMax });
    try {
      const binaryPath = this.#reachable(program.binaryPath);
      const command = vmmCommand(profile, slot, { ...program, binaryPath });
      const guardPath = profile.guardPaths[program.kvm === undefined ? "tcg" : "kvm"];
      const guard = { path: guardPath, flags: "r" } as const;
      const inherited = [guard, ...files];
      const { filterPath } = profile;
      return { process: spawnGuest({ command, filterPath, files: inherited, group }), group };
    } catch (error) {
      if (group !== undefined) this.removeGroup(group);
      throw error;
    }
  }

  removeGroup(group: InstanceGroup): void {
    this.#profile.groups?.remove(group);
  }

  /** Writes a file that every machine may read, once, and returns its path. */
  publish(name: string, content: () => Uint8Array): string {
    const known = this.#published.get(name);
    if (known !== undefined) return known;
    const path = this.#runDir.publish(name, content());
    this.#published.set(name, path);
    return path;
  }

  #reachable(path: string): string {
    const known = this.#binaries.get(path);
    if (known !== undefined) return known;
    const binary = this.#runDir.publishBinary(`vmm-${basename(path)}`, path);
    this.#binaries.set(path, binary);
    return binary;
  }

  /** Removes the folder. Machines must have ended. */
  async close(): Promise<void> {
    this.#runDir.remove();
    await this.#shared.leave();
  }
}
