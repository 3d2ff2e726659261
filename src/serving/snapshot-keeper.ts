import type { Log } from "../base/log.ts";
import type { Plan } from "../domain/plan.ts";
import type { DriverTable } from "../drivers/driver-table.ts";

/**
 * Has the drivers remove the snapshots of deployments that are in no plan any more. A deployment that
 * is being made is in none yet, so only those go that an earlier plan had, and at the first plan, before
 * which nothing is deployed, all that it does not name.
 */
export class SnapshotKeeper {
  readonly #drivers: DriverTable;
  readonly #log: Log;
  #planned: ReadonlySet<string> | undefined;
  #removing: Promise<void> = Promise.resolve();

  constructor(drivers: DriverTable, log: Log) {
    this.#drivers = drivers;
    this.#log = log;
  }

  apply(plan: Plan): void {
    const before = this.#planned;
    const planned = snapshotsOf(plan);
    this.#planned = planned;
    if (before === undefined) {
      this.#keep((deploymentId) => planned.has(deploymentId));
      return;
    }
    const gone = new Set([...before].filter((deploymentId) => !planned.has(deploymentId)));
    if (gone.size > 0) this.#keep((deploymentId) => !gone.has(deploymentId));
  }

  /** Resolves when nothing is being removed. */
  settled(): Promise<void> {
    return this.#removing;
  }

  #keep(isKept: (deploymentId: string) => boolean): void {
    this.#removing = this.#remove(this.#removing, isKept);
  }

  /** Never rejects. */
  async #remove(before: Promise<void>, isKept: (deploymentId: string) => boolean): Promise<void> {
    await before;
    for (const { snapshots } of this.#drivers.values()) {
      await snapshots?.keep(isKept).catch((error: unknown) => {
        this.#log.warn("Removing snapshots failed; the next start tries again", {
          error: String(error),
        });
      });
    }
  }
}

function snapshotsOf(plan: Plan): ReadonlySet<string> {
  const found = new Set<string>();
  for (const { deployments } of plan.functions.values()) {
    for (const { deploymentId, manifest } of deployments.values()) {
      if (manifest.snapshot) found.add(deploymentId);
    }
  }
  return found;
}
