import type { Clock } from "../../../base/clock.ts";
import { type Controller, controllers } from "./cgroup-dialect.ts";
import { findBases } from "./find-base.ts";
import { type OwnCgroup, readOwnCgroups } from "./own-cgroups.ts";
import { type Proof, proveLimits } from "./prove-limits.ts";
import { ServerGroups, serverGroupOf, sweepGroups } from "./server-groups.ts";

const proofPrefix = "proof";

/** What this machine's cgroups hold for a server, found out by trying them. */
export interface GroupsOutcome {
  /** Undefined when the kernel can limit nothing for us. */
  readonly groups: ServerGroups | undefined;
  /** What is missing and why, one sentence each; empty when all of it holds. */
  readonly missing: readonly string[];
}

/** What an operator can do where groups cannot be made or hold nothing. */
export const groupsRemedy =
  "Give the server a cgroup of its own that it may change: a systemd service with Delegate=yes (`systemd-run -p Delegate=yes reactor serve` to try it), or a container with a private, writable cgroup namespace";

export interface SharedGroupsOptions {
  readonly runDir: string;
  readonly clock: Clock;
  /** Where this process stands. Default: as the kernel says. */
  readonly own?: () => readonly OwnCgroup[];
}

/** The groups of a server, made and tried once for all of its drivers, gone when the last has left. */
export class SharedGroups {
  readonly #options: SharedGroupsOptions;
  #outcome: Promise<GroupsOutcome> | undefined;
  #users = 0;

  constructor(options: SharedGroupsOptions) {
    this.#options = options;
  }

  /** Name of the group that holds all groups of the server. */
  get name(): string {
    return serverGroupOf(this.#options.runDir);
  }

  /** Each call needs a `leave`. Never rejects. */
  enter(): Promise<GroupsOutcome> {
    this.#users += 1;
    this.#outcome ??= this.#make();
    return this.#outcome;
  }

  async leave(): Promise<void> {
    this.#users -= 1;
    if (this.#users > 0) return;
    const outcome = await this.#outcome;
    if (this.#users > 0) return;
    this.#outcome = undefined;
    await outcome?.groups?.close();
  }

  async #make(): Promise<GroupsOutcome> {
    const { clock, own = readOwnCgroups } = this.#options;
    let made: ServerGroups | undefined;
    try {
      const bases = findBases(own());
      const found = new Set(bases.flatMap((base) => base.controllers));
      const absent = controllers.filter((each) => !found.has(each));
      const missing = absent.map((each) => `no cgroup hierarchy here has the controller ${each}`);
      if (bases.length === 0) return { groups: undefined, missing };
      made = ServerGroups.make(bases, this.name, clock);
      const { folders } = made;
      await sweepGroups({ folders, name: this.name, prefix: proofPrefix, clock });
      const proof = await prove(made, clock);
      const held = [...proof].flatMap(([each, failure]) => (failure === undefined ? [each] : []));
      const failed = [...proof].flatMap(([each, failure]) =>
        failure === undefined || absent.includes(each) ? [] : [`cgroup ${each}: ${failure}`],
      );
      if (held.length > 0) {
        return { groups: made.limitedTo(held), missing: [...missing, ...failed] };
      }
      await made.close();
      return { groups: undefined, missing: [...missing, ...failed] };
    } catch (error) {
      await made?.close();
      const reason = error instanceof Error ? error.message : String(error);
      return { groups: undefined, missing: [reason] };
    }
  }
}

async function prove(groups: ServerGroups, clock: Clock): Promise<Proof> {
  const group = groups.open(`${proofPrefix}-${process.pid}`);
  try {
    return await proveLimits(group, clock);
  } finally {
    groups.remove(group);
  }
}

/** Whether every limit of tier 2 is held. */
export function holdsAll(held: readonly Controller[]): boolean {
  return controllers.every((each) => held.includes(each));
}
