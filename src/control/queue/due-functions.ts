/** When each function has something due, and how many of its invocations run. */
export class DueFunctions {
  readonly #byId = new Map<string, { dueMs: number; running: number }>();

  /** Something of the function may be due then. */
  mark(functionId: string, dueMs: number): void {
    const entry = this.#entry(functionId);
    entry.dueMs = Math.min(entry.dueMs, dueMs);
  }

  /** What is due next is known from the store. */
  set(functionId: string, dueMs: number | undefined): void {
    this.#entry(functionId).dueMs = dueMs ?? Infinity;
  }

  began(functionId: string): void {
    this.#entry(functionId).running += 1;
  }

  /** Its end may free an ordering key or a place. */
  ended(functionId: string, nowMs: number): void {
    this.#entry(functionId).running -= 1;
    this.mark(functionId, nowMs);
  }

  /** Functions with something due that may run more, with how many. */
  claimable(nowMs: number, limitOf: (functionId: string) => number): ReadonlyMap<string, number> {
    const found = new Map<string, number>();
    for (const [functionId, { dueMs, running }] of this.#byId) {
      if (dueMs === Infinity && running === 0) this.#byId.delete(functionId);
      if (dueMs > nowMs) continue;
      const free = limitOf(functionId) - running;
      if (free > 0) found.set(functionId, free);
    }
    return found;
  }

  /** When the next of those that may run is due; undefined for never. */
  next(limitOf: (functionId: string) => number): number | undefined {
    let next = Infinity;
    for (const [functionId, { dueMs, running }] of this.#byId) {
      if (running < limitOf(functionId)) next = Math.min(next, dueMs);
    }
    return next === Infinity ? undefined : next;
  }

  #entry(functionId: string): { dueMs: number; running: number } {
    let entry = this.#byId.get(functionId);
    if (entry === undefined) {
      entry = { dueMs: Infinity, running: 0 };
      this.#byId.set(functionId, entry);
    }
    return entry;
  }
}
