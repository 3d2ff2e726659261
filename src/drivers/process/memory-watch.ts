import type { Clock, Timer } from "../../base/clock.ts";
import { ownBytes, residentBytes } from "./process-tree.ts";

/** How often every tree that runs requests is measured; a kill comes within twice this. */
const tickMs = 25;
/**
 * A quiet tree is measured every so many ticks, which keeps its kill within 100 ms too. With 256
 * idle instances a look at each in every tick took a fifth of a core.
 */
const quietMeasureTicks = 3;
/** How often the members of a busy and of a quiet tree are looked up again, in ticks. */
const busyWalkTicks = 2;
const quietWalkTicks = 12;
const bytesPerMb = 1024 * 1024;
/** Share of the limit from which the cheap upper bound no longer does. */
const closeLook = 0.9;

/** The kernel's account of a tree, in bytes. */
export interface WatchedGroup {
  /** The most that was ever charged, pages of files included: cheap, and never less than the own. */
  memoryPeak(): number;
  /** Own memory now, files in memory included. */
  memoryOwn(): number;
  /** Processes that the kernel killed for want of memory. */
  memoryKills(): number;
}

export interface WatchedTree {
  readonly pids: () => readonly number[];
  /** What the kernel counts for it, where it does; the processes are not looked at then. */
  readonly group?: WatchedGroup | undefined;
  readonly limitMb: number;
  /** Whether it runs requests; quiet trees are looked up less often. */
  readonly busy: () => boolean;
  /** It is being measured. */
  readonly onLook?: () => void;
  /** It is over its limit. Called once. */
  readonly onOver: (peakMb: number) => void;
}

export interface MemoryWatch {
  /** The highest size seen in MB; 0 while it was never near the limit. */
  readonly peakMb: number;
  /** Stops watching. May be called twice. */
  stop(): void;
}

export interface MemoryWatcher {
  /** Starts watching a tree. */
  watch(tree: WatchedTree): MemoryWatch;
}

interface Entry {
  readonly tree: WatchedTree;
  members: readonly number[];
  /** Own memory with the pages of files: cheap to read, and never less than the own memory. */
  residentBytes: number;
  peakBytes: number;
  /** Ticks since its members were looked up. */
  quietTicks: number;
  /** Ticks since it was measured. */
  skippedTicks: number;
}

/**
 * Watches the memory of process trees with one timer for all of them, and none while
 * there is nothing to watch.
 */
export function createMemoryWatcher(clock: Clock): MemoryWatcher {
  const entries = new Set<Entry>();
  let timer: Timer | undefined;
  const remove = (entry: Entry): void => {
    entries.delete(entry);
    if (entries.size > 0) return;
    timer?.cancel();
    timer = undefined;
  };
  const measure = (): void => {
    for (const entry of entries) {
      if (!isDue(entry)) continue;
      entry.tree.onLook?.();
      if (!isOver(entry, sample(entry))) continue;
      // A process id may have found a new owner since the last walk, so look again before killing.
      entry.quietTicks = quietWalkTicks;
      if (!isOver(entry, sample(entry))) continue;
      remove(entry);
      entry.tree.onOver(toMb(entry.peakBytes));
    }
  };
  return {
    watch(tree) {
      const entry: Entry = {
        tree,
        members: tree.pids(),
        residentBytes: 0,
        peakBytes: 0,
        quietTicks: 0,
        // New ones begin at different ticks, so that many do not fall due at once.
        skippedTicks: entries.size % quietMeasureTicks,
      };
      entries.add(entry);
      timer ??= clock.every(tickMs, measure);
      return {
        get peakMb() {
          return toMb(entry.peakBytes);
        },
        stop: () => remove(entry),
      };
    },
  };
}

/** Whether this tick measures the tree; quiet ones take turns. */
function isDue(entry: Entry): boolean {
  entry.skippedTicks += 1;
  if (!entry.tree.busy() && entry.skippedTicks < quietMeasureTicks) return false;
  entry.quietTicks += entry.skippedTicks;
  entry.skippedTicks = 0;
  return true;
}

/** Measures a tree; gives its own memory in bytes, or 0 when it cannot be near the limit. */
function sample(entry: Entry): number {
  const { group, limitMb } = entry.tree;
  return group === undefined ? sampleProcesses(entry) : sampleGroup(entry, group, limitMb);
}

function sampleGroup(entry: Entry, group: WatchedGroup, limitMb: number): number {
  const peak = group.memoryPeak();
  if (peak < limitMb * bytesPerMb * closeLook) return 0;
  // Where one process of the group is killed the others go on, with half of what they were.
  const size = group.memoryKills() > 0 ? peak : group.memoryOwn();
  entry.peakBytes = Math.max(entry.peakBytes, size);
  return size;
}

function sampleProcesses(entry: Entry): number {
  const { tree } = entry;
  if (entry.quietTicks >= (tree.busy() ? busyWalkTicks : quietWalkTicks)) {
    entry.members = tree.pids();
    entry.quietTicks = 0;
  }
  let resident = 0;
  for (const pid of entry.members) resident += residentBytes(pid);
  // A tree that grows may be growing new members.
  if (resident !== entry.residentBytes) entry.quietTicks += quietWalkTicks;
  entry.residentBytes = resident;
  if (resident < tree.limitMb * bytesPerMb * closeLook) return 0;
  let own = 0;
  for (const pid of entry.members) own += ownBytes(pid);
  entry.peakBytes = Math.max(entry.peakBytes, own);
  return own;
}

function isOver(entry: Entry, bytes: number): boolean {
  return bytes > entry.tree.limitMb * bytesPerMb;
}

function toMb(bytes: number): number {
  return Math.round(bytes / bytesPerMb);
}
