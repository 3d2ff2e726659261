/** An idle instance that could make room, and when it last served. */
export interface IdleInstance {
  readonly lastUsedMs: number;
  evict(): void;
}

/** A pool as the fleet sees it. */
export interface FleetMember {
  /** The instance that has been idle the longest; undefined when all are busy. */
  longestIdle(): IdleInstance | undefined;
  /** There may be room for an instance that it could not start before. */
  roomFreed(): void;
}

/** All instances of all pools, bounded by `instancesMax`. */
export class Fleet {
  readonly instancesMax: number;
  readonly #members = new Set<FleetMember>();
  #instances = 0;
  #hadNoRoom = false;

  constructor(instancesMax: number) {
    this.instancesMax = instancesMax;
  }

  get instances(): number {
    return this.#instances;
  }

  join(member: FleetMember): void {
    this.#members.add(member);
  }

  leave(member: FleetMember): void {
    this.#members.delete(member);
  }

  /** Whether one more may start without an eviction; instances that are kept idle would else evict each other. */
  get hasSpare(): boolean {
    return this.#instances < this.instancesMax;
  }

  /** Whether one more instance may start, if need be after an idle one was evicted. */
  hasRoom(): boolean {
    const has = this.hasSpare || this.#longestIdle() !== undefined;
    if (!has) this.#hadNoRoom = true;
    return has;
  }

  /** Counts one more instance; evicts the least recently used idle one when the fleet is full. */
  add(): void {
    if (!this.hasSpare) this.#longestIdle()?.evict();
    this.#instances += 1;
  }

  /** An instance is gone, or was told to go while idle. */
  remove(): void {
    this.#instances -= 1;
    this.freed();
  }

  /** An instance left or became idle: whoever found no room since the last time may try again. */
  freed(): void {
    if (!this.#hadNoRoom) return;
    this.#hadNoRoom = false;
    for (const member of this.#members) member.roomFreed();
  }

  #longestIdle(): IdleInstance | undefined {
    let longest: IdleInstance | undefined;
    for (const member of this.#members) {
      const idle = member.longestIdle();
      if (idle !== undefined && idle.lastUsedMs < (longest?.lastUsedMs ?? Infinity)) longest = idle;
    }
    return longest;
  }
}
