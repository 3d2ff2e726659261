import { createHash } from "node:crypto";
import { mkdirSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import type { Clock } from "../../../base/clock.ts";
import { type Controller, controllers } from "./cgroup-dialect.ts";
import { type Base, ownGroupName } from "./find-base.ts";
import { writeValue } from "./group-files.ts";
import { type GroupPart, InstanceGroup } from "./instance-group.ts";
import { processTree } from "../process-tree.ts";
import { membersOf, removeGroup, tryRemoveGroup } from "./remove-group.ts";

/** Beside its instances, 100 each, the server gets what it needs, as long as no hundred of them are busy. */
const serverWeight = 10_000;
/** On a version 1 machine all of them together weigh as much on each processor as four busy processes. */
const v1Weight = Math.min(25_000, 4 * 100 * availableParallelism());

/** The name of the group that holds all groups of the server with this run folder. */
export function serverGroupOf(runDir: string): string {
  return `reactor-${createHash("sha256").update(runDir).digest("hex").slice(0, 12)}`;
}

/** The server's group in one hierarchy. */
interface ServerPart extends GroupPart {
  /** The group above it, which the server was started in. */
  readonly base: string;
  /** What the two hand on since the server made its group. */
  readonly enabled: {
    readonly inBase: readonly Controller[];
    readonly inFolder: readonly Controller[];
  };
}

/** The groups of one server's instances, below one group of its own in each hierarchy. */
export class ServerGroups {
  readonly #parts: readonly ServerPart[];
  readonly #clock: Clock;
  readonly #removing = new Set<Promise<boolean>>();

  private constructor(parts: readonly ServerPart[], clock: Clock) {
    this.#parts = parts;
    this.#clock = clock;
  }

  /** Makes the server's group in each hierarchy. Throws, leaving none, when one cannot be made. */
  static make(bases: readonly Base[], name: string, clock: Clock): ServerGroups {
    const parts: ServerPart[] = [];
    try {
      for (const base of bases) parts.push(makePart(base, name));
      return new ServerGroups(parts, clock);
    } catch (error) {
      for (const part of parts) leave(part);
      throw error;
    }
  }

  /** The same groups, with only some of their controllers. */
  limitedTo(held: readonly Controller[]): ServerGroups {
    const parts = this.#parts.map((part) => ({
      ...part,
      controllers: part.controllers.filter((each) => held.includes(each)),
    }));
    return new ServerGroups(parts, this.#clock);
  }

  /** What can be limited. */
  get controllers(): readonly Controller[] {
    return controllers.filter((each) =>
      this.#parts.some((part) => part.controllers.includes(each)),
    );
  }

  get folders(): readonly string[] {
    return this.#parts.map(({ folder }) => folder);
  }

  /** Where it is, for the operator, e.g. `v2 at /sys/fs/cgroup/reactor-0123456789ab`. */
  get place(): string {
    return this.#parts.map(({ dialect, folder }) => `v${dialect.version} at ${folder}`).join(", ");
  }

  /** Makes the group of one instance. */
  open(name: string): InstanceGroup {
    return new InstanceGroup(name, this.#parts);
  }

  /** Removes an instance's group: now if its processes are gone, else as soon as they are. */
  remove(group: InstanceGroup): void {
    const removing = group.remove(this.#clock);
    this.#removing.add(removing);
    void removing.finally(() => this.#removing.delete(removing));
  }

  /** Waits for the groups that are being removed, and leaves everything as `make` found it. */
  async close(): Promise<void> {
    await Promise.all(this.#removing);
    for (const part of this.#parts) leave(part);
  }
}

function makePart({ dialect, folder: base, controllers: wanted }: Base, name: string): ServerPart {
  const folder = join(base, name);
  const enabled = { inBase: [] as Controller[], inFolder: [] as Controller[] };
  const part = { dialect, folder, controllers: wanted, base, enabled };
  try {
    mkdirSync(folder, { recursive: true });
    const own = join(folder, ownGroupName);
    if (movesServer(part)) {
      mkdirSync(own, { recursive: true });
      moveServer(base, own);
    }
    for (const controller of wanted) {
      if (dialect.enable(base, controller)) enabled.inBase.push(controller);
      if (dialect.enable(folder, controller)) enabled.inFolder.push(controller);
    }
    if (wanted.includes("cpu")) {
      dialect.weigh(own, serverWeight);
      // With version 2 the operator weighs the group that the server was started in.
      if (dialect.version === 1) dialect.weigh(folder, v1Weight);
    }
    return part;
  } catch (error) {
    leave(part);
    throw error;
  }
}

/**
 * Whether the server goes into a group beside its instances' ones: with version 2 since a group that
 * hands controllers on may hold no processes itself, and for the processor since a group of instances
 * is weighed against each process beside it, not against all of them.
 */
function movesServer({ dialect, controllers: used }: GroupPart): boolean {
  return dialect.version === 2 || used.includes("cpu");
}

/**
 * Moves this process, and what it has started for itself: the bundler's helper may run already, and
 * version 2 wants a group without any process. Those of others stay where they are.
 */
function moveServer(from: string, to: string): void {
  const ours = new Set(processTree(process.pid));
  writeValue(to, "cgroup.procs", process.pid);
  for (const pid of membersOf(from).filter((each) => ours.has(each))) {
    try {
      writeValue(to, "cgroup.procs", pid);
    } catch (error) {
      // It has ended since; what does not move for another reason shows when controllers are enabled.
      if (membersOf(from).includes(pid)) throw error;
    }
  }
}

/** Takes back what `makePart` did as far as it came; leaves what others use by now. */
function leave({ dialect, folder, base, enabled }: ServerPart): void {
  const own = join(folder, ownGroupName);
  if (!tryRemoveGroup(own)) {
    try {
      // From below: a group hands on what one below it does.
      for (const controller of enabled.inFolder) dialect.disable(folder, controller);
      for (const controller of enabled.inBase) dialect.disable(base, controller);
      moveServer(own, base);
    } catch {
      // Another server's groups are below the same one, so that it hands on what they need.
      return;
    }
    tryRemoveGroup(own);
  }
  tryRemoveGroup(folder);
}

export interface SweepGroupsOptions {
  /** Groups of servers in which to look; those of others are left alone. */
  readonly folders: readonly string[];
  /** Name of the server's group, as `serverGroupOf` gives it. */
  readonly name: string;
  /** What the instances' names begin with. */
  readonly prefix: string;
  readonly clock: Clock;
}

/** Ends and removes the groups of instances that a server which died left; gives how many there were. */
export async function sweepGroups(options: SweepGroupsOptions): Promise<number> {
  const { folders, name, prefix, clock } = options;
  const stale = folders
    .filter((folder) => basename(folder) === name)
    .flatMap((folder) => groupsIn(folder).map((group) => join(folder, group)))
    .filter((group) => basename(group).startsWith(`${prefix}-`));
  await Promise.all(stale.map((group) => removeGroup(group, clock)));
  return stale.length;
}

/** Names of the groups right below one; none when there is no such group. */
export function groupsIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch (error) {
    // The machine was started anew, or the hierarchy is mounted no more: nothing can be left.
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
