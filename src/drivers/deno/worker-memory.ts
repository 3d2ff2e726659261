import { systemClock } from "../../base/clock.ts";
import { deno } from "./deno-api.ts";
import type { WorkerSize } from "./pod-messages.ts";

/** How often a worker measures itself, and the pod looks. */
const measureMs = 100;
/** Looks without a new measurement after which a worker is silent. */
const silentLooks = 2;
const unitBytes = 1024;
/** Smaller changes are not told to the host. */
const toldBytes = 1024 * 1024;

/** What the pod keeps about its workers' memory. */
export interface WorkerMemoryWatch {
  /** Memory that a new worker writes its size to; hand it over as the first message. */
  add(worker: number): SharedArrayBuffer;
  remove(worker: number): void;
}

interface Measured {
  /** Size in units, and how often it was measured. */
  readonly cells: Int32Array;
  beats: number;
  missed: number;
  toldBytes: number;
  toldSilent: boolean;
}

/** Reads what workers measured, and reports what has changed. */
export function watchWorkerMemory(
  report: (workers: readonly WorkerSize[]) => void,
): WorkerMemoryWatch {
  const measured = new Map<number, Measured>();
  systemClock.every(measureMs, () => {
    const sizes = [...measured].flatMap(([worker, each]) => {
      const change = changeOf(each);
      return change === undefined ? [] : [[worker, ...change] as const];
    });
    if (sizes.length > 0) report(sizes);
  });
  return {
    add(worker) {
      const shared = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT);
      const cells = new Int32Array(shared);
      measured.set(worker, { cells, beats: 0, missed: 0, toldBytes: 0, toldSilent: false });
      return shared;
    },
    remove: (worker) => void measured.delete(worker),
  };
}

/** What is new about a worker and worth telling. */
function changeOf(each: Measured): [bytes: number, silent: number] | undefined {
  const bytes = Atomics.load(each.cells, 0) * unitBytes;
  const beats = Atomics.load(each.cells, 1);
  each.missed = beats === each.beats ? each.missed + 1 : 0;
  each.beats = beats;
  const silent = each.missed >= silentLooks;
  if (silent === each.toldSilent && Math.abs(bytes - each.toldBytes) < toldBytes) return undefined;
  each.toldBytes = bytes;
  each.toldSilent = silent;
  return [bytes, silent ? 1 : 0];
}

// Taken before user code can replace it.
const memoryUsage = deno.memoryUsage.bind(deno);

/** In a worker: measures its own heap and buffers. */
export function measureOwnMemory(shared: SharedArrayBuffer): void {
  const cells = new Int32Array(shared);
  const measure = (): void => {
    const { heapUsed, external } = memoryUsage();
    Atomics.store(cells, 0, Math.round((heapUsed + external) / unitBytes));
    Atomics.add(cells, 1, 1);
  };
  measure();
  systemClock.every(measureMs, measure);
}
