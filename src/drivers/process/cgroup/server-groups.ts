import { createHash } from "node:crypto";
import { mkdirSync, readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, join } from "node:path";
import type { Clock } from "../../../base/clock.ts";
import { type Controller, controllers } from "./cgroup-dialect.ts";
import { type Base, ownGroupName } from "./find-base.ts";
import { writeValue } from "./group-files.ts";
import { type GroupPart, InstanceGroup } from "./instance-group.ts";
import { removeGroup, tryRemoveGroup } from "./remove-group.ts";

/** Of each processor all instances together get as much as one usual group, or process, of the root. */
const instancesWeight = 100;
/** The server, where it is a group beside each of theirs: whatever it needs beside 100 busy ones. */
const serverWeight = 10_000;

/** The name of the group that holds all groups of the server with this run folder. */
export function serverGroupOf(runDir: string): string {
  return `reactor-${createHash("sha256").update(runDir).digest("hex").slice(0, 12)}`;
}

/** The groups of one server's instances, below one group of its own in each hierarchy. */
export class ServerGroups {
  readonly #parts: readonly GroupPart[];
  readonly #clock: Clock;
  readonly #removing = new Set<Promise<boolean>>();

  private constructor(parts: readonly GroupPart[], clock: Clock) {
    this.#parts = parts;
    this.#clock = clock;
  }

  /** Makes the server's group in each hierarchy. Throws, leaving none, when one cannot be made. */
  static make(bases: readonly Base[], name: string, clock: Clock): ServerGroups {
    const made: Base[] = [];
    try {
      const parts = bases.map((base) => {
        made.push(base);
        return makePart(base, name);
      });
      return new ServerGroups(parts, clock);
    } catch (error) {
      for (const { folder } of made) leave(folder, name);
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

  /** Waits for the groups that are being removed, and removes the server's own where it is empty. */
  async close(): Promise<void> {
    await Promise.all(this.#removing);
    for (const { folder } of this.#parts) tryRemoveGroup(folder);
  }
}

function makePart({ dialect, folder: base, controllers: wanted }: Base, name: string): GroupPart {
  const folder = join(base, name);
  mkdirSync(folder, { recursive: true });
  if (dialect.version === 2) {
    // A group that hands controllers on may hold no processes itself, and the server is one of them.
    const own = join(folder, ownGroupName);
    mkdirSync(own, { recursive: true });
    writeValue(own, "cgroup.procs", process.pid);
  }
  for (const controller of wanted) {
    dialect.enable(base, controller);
    dialect.enable(folder, controller);
  }
  if (wanted.includes("cpu")) {
    // Version 1 leaves the server where it is, outside of this group.
    if (dialect.version === 1) dialect.weigh(folder, instancesWeight * availableParallelism());
    else dialect.weigh(join(folder, ownGroupName), serverWeight);
  }
  return { dialect, folder, controllers: wanted };
}

/** Takes back what `makePart` did as far as it came. */
function leave(base: string, name: string): void {
  const folder = join(base, name);
  const own = join(folder, ownGroupName);
  if (!tryRemoveGroup(own)) {
    writeValue(base, "cgroup.procs", process.pid);
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
