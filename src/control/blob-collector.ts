import type { Clock, Timer } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { BlobStore, StoredBlob } from "../blobs/blob-store.ts";

/** Rows of deployments, blobs and the blobs' bytes. */
export interface Collected {
  readonly deployments: number;
  readonly blobs: number;
  readonly bytes: number;
}

/**
 * Removes deployments that are not kept, then blobs that no deployment names, a grace time after it
 * first saw them so.
 */
export interface BlobCollector {
  /** Begins to collect by the clock. */
  start(): void;
  /** One pass; joins the one that runs. Resolves with what it removed; rejects when a store fails. */
  collect(): Promise<Collected>;
  /**
   * To be called before a blob is put, its result after the row that names it was written or will
   * never be: no blob that is put in between is removed.
   */
  beginPut(): () => void;
  /** Keeps every blob until the returned function is called; resolves when no removal is under way. */
  hold(): Promise<() => void>;
  /** Removed since the start. */
  readonly collected: Collected;
  /** Stops the clock and resolves when the pass that runs has ended. */
  close(): Promise<void>;
}

export interface BlobCollectorOptions {
  /** Removes the rows of deployments that are not kept; resolves with how many. */
  readonly collectDeployments: () => Promise<number>;
  /** Digests that any row names, as of the call or later. */
  readonly referencedBlobs: () => Promise<ReadonlySet<string>>;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly graceMs: number;
}

/** When a blob was first seen unused, and by which put it was there. */
interface Mark {
  readonly storedAtMs: number;
  readonly sinceMs: number;
  /** Puts with a higher number began later. */
  readonly number: number;
}

const marksMax = 100_000;
const passesPerGrace = 4;
const passMsMax = 600_000;

/**
 * A deploy stores its blob first and the row that names it later, so a blob without a row may be
 * one of a deploy that runs. A blob is removed only when a pass marked it unused before, and since
 * then (1) it was not put again, which the blob store checks in the same turn, and (2) every deploy
 * that ran when it was marked had ended before this pass read the rows. Beyond that it stays for
 * `graceMs` of the monotonic clock, as the wall clock may jump. Marks are in memory: a restart
 * begins the grace time anew.
 */
export function createBlobCollector(options: BlobCollectorOptions): BlobCollector {
  return new MarkingCollector(options);
}

class MarkingCollector implements BlobCollector {
  readonly #options: BlobCollectorOptions;
  readonly #marks = new Map<string, Mark>();
  /** Numbers of the puts that are under way. */
  readonly #putting = new Set<number>();
  #lastNumber = 0;
  #holds = 0;
  #closed = false;
  #total: Collected = { deployments: 0, blobs: 0, bytes: 0 };
  #timer: Timer | undefined;
  #pass: Promise<Collected> | undefined;
  #removal: Promise<boolean> = Promise.resolve(false);

  constructor(options: BlobCollectorOptions) {
    this.#options = options;
  }

  get collected(): Collected {
    return this.#total;
  }

  start(): void {
    const { clock, graceMs, log } = this.#options;
    const tick = (): void => {
      this.collect().catch((error: unknown) => {
        log.warn("Looking for unused blobs failed; the next pass tries again", {
          error: String(error),
        });
      });
    };
    this.#timer ??= clock.every(Math.min(graceMs / passesPerGrace, passMsMax), tick);
  }

  beginPut(): () => void {
    const number = ++this.#lastNumber;
    this.#putting.add(number);
    return () => void this.#putting.delete(number);
  }

  async hold(): Promise<() => void> {
    this.#holds += 1;
    let held = true;
    // Whoever runs the pass hears of its failure.
    await this.#removal.catch(() => false);
    return () => {
      if (held) this.#holds -= 1;
      held = false;
    };
  }

  collect(): Promise<Collected> {
    this.#pass ??= this.#run().finally(() => {
      this.#pass = undefined;
    });
    return this.#pass;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    // Whoever asked for the pass hears of its failure.
    await this.#pass?.catch(() => undefined);
  }

  async #run(): Promise<Collected> {
    const { referencedBlobs, blobs, log } = this.#options;
    const before = this.#total;
    const deployments = await this.#collectDeployments();
    // Before the rows are read: a deploy that ends in between must still count as running.
    const oldestPut = Math.min(...this.#putting);
    const used = await referencedBlobs();
    const seen = new Set<string>();
    let whole = true;
    for await (const blob of blobs.list()) {
      // A pass that is held up ends: what it knows gets old.
      whole = this.#holds === 0 && !this.#closed;
      if (!whole) break;
      if (used.has(blob.digest)) continue;
      seen.add(blob.digest);
      if (this.#isDue(blob, oldestPut)) await this.#remove(blob);
    }
    if (whole)
      for (const digest of this.#marks.keys()) if (!seen.has(digest)) this.#marks.delete(digest);
    const { blobs: count, bytes } = this.#total;
    const done = { blobs: count - before.blobs, bytes: bytes - before.bytes };
    if (done.blobs > 0) log.info("Removed blobs that no deployment uses", { ...done });
    return { deployments, ...done };
  }

  async #collectDeployments(): Promise<number> {
    const { collectDeployments, log } = this.#options;
    try {
      const removed = await collectDeployments();
      this.#total = { ...this.#total, deployments: this.#total.deployments + removed };
      if (removed > 0) log.info("Removed old failed deployments", { deployments: removed });
      return removed;
    } catch (error) {
      // A full disk takes no change of rows, and only the removal of blobs makes room.
      log.warn("Removing old failed deployments failed; the next pass tries again", {
        error: String(error),
      });
      return 0;
    }
  }

  /** Whether the blob may go now; marks one that was put since the last pass. */
  #isDue({ digest, storedAtMs }: StoredBlob, oldestPut: number): boolean {
    const { clock, graceMs } = this.#options;
    const mark = this.#marks.get(digest);
    if (mark?.storedAtMs === storedAtMs) {
      return oldestPut > mark.number && clock.monotonicMs() - mark.sinceMs >= graceMs;
    }
    // Beyond the bound a blob is marked by a later pass, when others are gone.
    if (mark !== undefined || this.#marks.size < marksMax) {
      const number = ++this.#lastNumber;
      this.#marks.set(digest, { storedAtMs, sinceMs: clock.monotonicMs(), number });
    }
    return false;
  }

  async #remove({ digest, bytes, storedAtMs }: StoredBlob): Promise<void> {
    this.#removal = this.#options.blobs.delete(digest, { unlessPutSinceMs: storedAtMs });
    const removed = await this.#removal;
    this.#marks.delete(digest);
    if (!removed) return;
    const { blobs, bytes: sum } = this.#total;
    this.#total = { ...this.#total, blobs: blobs + 1, bytes: sum + bytes };
  }
}
