import { ReactorError } from "../../domain/errors.ts";
import type { Store } from "../store.ts";

/**
 * Where a fault strikes. `read` and `write` fail before any work is done. `commit_before` runs the
 * work and rolls it back; `commit_after` commits it durably and then fails all the same, as when the
 * connection breaks before the answer: the outcome is unknown to the caller.
 */
type StoreFaultPoint = "read" | "write" | "commit_before" | "commit_after";

interface StoreFault {
  readonly at: StoreFaultPoint;
  /** Strikes the N-th read (for `read`) or write (for the others) from now on; 1 is the next. */
  readonly nth: number;
  readonly code?: "storage_unavailable" | "storage_full";
}

/** A store that works until it is told to fail. */
export interface FailingStore extends Store {
  /** Arms one fault; it strikes once. Several may be armed. */
  fail(fault: StoreFault): void;
  /** Fails every read and write until `restore()`. */
  breakDown(): void;
  /** Disarms everything. */
  restore(): void;
  /** Whether `breakDown()` holds. */
  readonly down: boolean;
  /** Faults that have struck so far. */
  readonly struck: number;
}

/** Wraps any store so that tests decide when it fails. */
export function createFailingStore(store: Store): FailingStore {
  const armed = new Map<StoreFault, number>();
  let broken = false;
  let struck = 0;

  /** Counts one operation against every fault that watches such, and returns the one that is due. */
  const due = (points: readonly StoreFaultPoint[]): StoreFault | undefined => {
    if (broken) return { at: points[0] ?? "write", nth: 1 };
    let found: StoreFault | undefined;
    for (const [fault, remaining] of armed) {
      if (!points.includes(fault.at)) continue;
      if (remaining > 1) armed.set(fault, remaining - 1);
      else if (found === undefined) found = fault;
    }
    if (found) armed.delete(found);
    return found;
  };
  const strike = (fault: StoreFault): never => {
    struck += 1;
    throw new ReactorError(
      fault.code ?? "storage_unavailable",
      `Cannot ${fault.at === "read" ? "read" : "write"} the store: the failing store was told to fail (${fault.at})`,
    );
  };

  return {
    async read(work) {
      const fault = due(["read"]);
      if (fault) strike(fault);
      return store.read(work);
    },
    async write(work) {
      const fault = due(["write", "commit_before", "commit_after"]);
      if (fault?.at === "write") strike(fault);
      const result = await store.write(async (writer) => {
        const value = await work(writer);
        if (fault?.at === "commit_before") strike(fault);
        return value;
      });
      if (fault?.at === "commit_after") strike(fault);
      return result;
    },
    async snapshot(file) {
      const fault = due(["read"]);
      if (fault) strike(fault);
      return store.snapshot(file);
    },
    fail: (fault) => void armed.set(fault, fault.nth),
    breakDown: () => void (broken = true),
    restore() {
      broken = false;
      armed.clear();
    },
    get down() {
      return broken;
    },
    get struck() {
      return struck;
    },
    close: () => store.close(),
  };
}
