/** A deployment that was accused so often gets pods of its own. */
const accusationsMax = 2;
/** Deployments that are remembered; those whose last accusation is longest ago are forgotten first. */
const rememberedMax = 10_000;

/** Remembers which deployments brought their pods down, and keeps them apart. */
export class Quarantine {
  readonly #accusations = new Map<string, number>();

  /** Counts a pod that the deployment brought down. Returns whether it is quarantined from now on. */
  accuse(deploymentId: string): boolean {
    const count = (this.#accusations.get(deploymentId) ?? 0) + 1;
    this.#accusations.delete(deploymentId);
    this.#accusations.set(deploymentId, count);
    const oldest = this.#accusations.keys().next();
    if (this.#accusations.size > rememberedMax && oldest.done !== true) {
      this.#accusations.delete(oldest.value);
    }
    return count === accusationsMax;
  }

  /** Whether the deployment must have a pod of its own. */
  holds(deploymentId: string): boolean {
    return (this.#accusations.get(deploymentId) ?? 0) >= accusationsMax;
  }
}
