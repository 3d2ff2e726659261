import type { Instance } from "../drivers/driver.ts";
import { InstanceSlot } from "./instance-slot.ts";

/** The slots of one pool and which of them may be chosen. */
export class SlotSet {
  readonly #all = new Set<InstanceSlot>();
  readonly #ready: InstanceSlot[] = [];
  #starting = 0;

  /** All that have not exited. */
  get size(): number {
    return this.#all.size;
  }

  get starting(): number {
    return this.#starting;
  }

  get ready(): readonly InstanceSlot[] {
    return this.#ready;
  }

  /**
   * Ready or starting: what counts against `max_instances`. One that may be stuck does not, so that
   * its replacement starts before it is known for sure.
   */
  get live(): number {
    let suspected = 0;
    for (const slot of this.#ready) if (slot.suspected) suspected += 1;
    return this.#ready.length - suspected + this.#starting;
  }

  [Symbol.iterator](): IterableIterator<InstanceSlot> {
    return this.#all.values();
  }

  /** A slot for an instance that starts. */
  open(): InstanceSlot {
    const slot = new InstanceSlot();
    this.#all.add(slot);
    this.#starting += 1;
    return slot;
  }

  started(slot: InstanceSlot, instance: Instance, nowMs: number): void {
    this.#starting -= 1;
    slot.started(instance, nowMs);
    this.#ready.push(slot);
  }

  /** Takes a ready slot out of the choice. */
  close(slot: InstanceSlot): void {
    slot.moveTo("draining");
    const at = this.#ready.indexOf(slot);
    if (at >= 0) this.#ready.splice(at, 1);
  }

  /** Takes all ready slots out of the choice; returns them, and those that were surplus before. */
  closeAll(): readonly InstanceSlot[] {
    const surplus = [...this.#all].filter((slot) => slot.surplus);
    const closed = this.#ready.slice();
    for (const slot of closed) this.close(slot);
    return [...surplus, ...closed];
  }

  /** The instance is gone, or never came. */
  exited(slot: InstanceSlot): void {
    if (slot.state === "starting") this.#starting -= 1;
    else if (slot.state === "ready") this.close(slot);
    slot.moveTo("exited");
    this.#all.delete(slot);
  }

  /** The ready slot with the fewest invocations, if it has room for one more; not one that may be stuck. */
  freest(perInstance: number): InstanceSlot | undefined {
    let freest: InstanceSlot | undefined;
    for (const slot of this.#ready) {
      if (slot.suspected) continue;
      if (freest === undefined || slot.running < freest.running) freest = slot;
    }
    return freest !== undefined && freest.running < perInstance ? freest : undefined;
  }

  /**
   * Takes the slots beyond `readyMax` out of the choice, those with the fewest invocations, and
   * returns the idle ones. The others are surplus until what they run has ended: nobody asked for
   * them to go, so no timer of a drain cuts it. What starts is not counted: it may fail.
   */
  shed(readyMax: number): readonly InstanceSlot[] {
    const healthy = this.#ready.filter((slot) => !slot.suspected);
    const excess = Math.max(0, healthy.length - readyMax);
    const shed = healthy.sort((a, b) => a.running - b.running).slice(0, excess);
    for (const slot of shed) {
      this.close(slot);
      slot.surplus = slot.running > 0;
    }
    return shed.filter(({ surplus }) => !surplus);
  }

  /** The ready slot that has run nothing for the longest time. */
  longestIdle(): InstanceSlot | undefined {
    let longest: InstanceSlot | undefined;
    for (const slot of this.#ready) {
      if (slot.running > 0) continue;
      if (longest === undefined || slot.lastUsedMs < longest.lastUsedMs) longest = slot;
    }
    return longest;
  }
}
