import { constants } from "node:fs";
import { type FileHandle, open, readdir, rm, stat } from "node:fs/promises";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { SegmentIndex } from "./segment-index.ts";
import { scanSegment } from "./segment-scan.ts";
import { UsageByHour } from "./usage-by-hour.ts";
import {
  type FunctionSpan,
  type SealedSegment,
  type Segment,
  type SegmentKind,
  type SegmentStats,
  addStats,
  emptyStats,
  parseSegmentName,
  segmentPath,
} from "./segment.ts";

export interface SegmentLogOptions {
  readonly folder: string;
  readonly kind: SegmentKind;
  readonly index: SegmentIndex;
  readonly clock: Clock;
  readonly log: Log;
  readonly segmentBytesMax: number;
  readonly segmentAgeMsMax: number;
  /** Of all segments together. */
  readonly bytesMax: number;
  readonly ageMsMax: number;
}

/** A segment as a reader sees it: how far it may read, and where the asked-for function is. */
export interface ReadableSegment {
  readonly id: number;
  readonly path: string;
  readonly bytes: number;
  readonly lastMs: number;
  readonly span: FunctionSpan | undefined;
}

interface ActiveSegment extends Segment {
  readonly openedAtMs: number;
  /** Undefined until something is appended after a restart. */
  file: FileHandle | undefined;
}

/**
 * The segments of one kind: closed ones, and the active one that grows. One append at a time. The
 * index learns of a segment when it is closed; after a crash the last one is read through instead.
 */
export class SegmentLog {
  readonly #options: SegmentLogOptions;
  readonly #sealed: SealedSegment[] = [];
  #active: ActiveSegment | undefined;
  #lastId = 0;
  #sealedBytes = 0;

  private constructor(options: SegmentLogOptions) {
    this.#options = options;
  }

  /** Opens what is in the folder, recovering what a crash left. */
  static async open(options: SegmentLogOptions): Promise<SegmentLog> {
    const segments = new SegmentLog(options);
    await segments.#recover();
    return segments;
  }

  /** Bytes of all segments. */
  get bytes(): number {
    return this.#sealedBytes + (this.#active?.bytes ?? 0);
  }

  /** Span of a function in the active segment, which the index does not know yet. */
  activeSpan(functionId: string): FunctionSpan | undefined {
    return this.#active?.spans.get(functionId);
  }

  /** Id and sums of the active segment, whose sums in the index are older; undefined before there is one. */
  get activeUsage(): { readonly id: number; readonly usage: UsageByHour } | undefined {
    return this.#active;
  }

  /**
   * Appends whole lines. When the disk refuses, nothing of them counts as written and the error is
   * thrown; the next append overwrites what was written of them.
   */
  async append(lines: Buffer, stats: SegmentStats): Promise<void> {
    if (this.#isDue(this.#active)) await this.#sealIfPossible();
    this.#active ??= this.#next();
    const active = this.#active;
    active.file ??= await open(
      this.#path(active.id),
      constants.O_WRONLY | constants.O_CREAT,
      0o600,
    );
    try {
      await writeAt(active.file, lines, active.bytes);
    } catch (error) {
      await this.#cutBack(active, active.file);
      throw error;
    }
    active.bytes += lines.length;
    active.writtenMs = this.#options.clock.now();
    addStats(active, stats);
  }

  /** Closes the active segment, so that the next append starts a new one. */
  async seal(): Promise<void> {
    const active = this.#active;
    if (active === undefined) return;
    this.#options.index.save(active);
    const { spans: _, usage: __, openedAtMs: ___, file, ...sealed } = active;
    this.#active = undefined;
    this.#sealed.push(sealed);
    this.#sealedBytes += sealed.bytes;
    await file?.close();
  }

  /** Removes the oldest segments while all together are too large, and those that are too old. */
  async retain(): Promise<void> {
    const { clock, ageMsMax, bytesMax, index, kind } = this.#options;
    const tooOldMs = clock.now() - ageMsMax;
    if (this.#active && this.#active.writtenMs < tooOldMs) await this.#sealIfPossible();
    for (;;) {
      const oldest = this.#sealed[0];
      if (oldest === undefined) return;
      if (this.bytes <= bytesMax && oldest.writtenMs >= tooOldMs) return;
      this.#sealed.shift();
      this.#sealedBytes -= oldest.bytes;
      await rm(this.#path(oldest.id), { force: true });
      index.remove(kind, oldest.id);
    }
  }

  /** What there is to read now, oldest first: all segments, or those with lines of one function. */
  readable(functionId?: string): ReadableSegment[] {
    const spans =
      functionId === undefined
        ? undefined
        : this.#options.index.spansOf(this.#options.kind, functionId);
    const found: ReadableSegment[] = [];
    for (const { id, bytes, lastMs } of this.#sealed) {
      const span = spans?.get(id);
      if (spans && span === undefined) continue;
      found.push({ id, path: this.#path(id), bytes, lastMs, span });
    }
    const active = this.#active;
    if (active && active.bytes > 0) {
      const { id, bytes, lastMs } = active;
      const span = functionId === undefined ? undefined : active.spans.get(functionId);
      // A copy: the span goes on growing, and the reader must not go past `bytes`.
      if (functionId === undefined || span)
        found.push({ id, path: this.#path(id), bytes, lastMs, span: span && { ...span } });
    }
    return found;
  }

  /** Records the active segment in the index, so that the next start need not read it through. */
  async close(): Promise<void> {
    const active = this.#active;
    this.#active = undefined;
    if (active === undefined) return;
    await active.file?.close();
    if (active.bytes > 0) this.#options.index.save(active);
  }

  #path(id: number): string {
    return segmentPath(this.#options.folder, this.#options.kind, id);
  }

  #isDue(active: ActiveSegment | undefined): boolean {
    if (active === undefined) return false;
    const { segmentBytesMax, segmentAgeMsMax, clock } = this.#options;
    const old = clock.now() - active.openedAtMs >= segmentAgeMsMax;
    return active.bytes >= segmentBytesMax || (old && active.bytes > 0);
  }

  #next(): ActiveSegment {
    this.#lastId += 1;
    const { kind, clock } = this.#options;
    const nowMs = clock.now();
    const empty = { kind, id: this.#lastId, bytes: 0, writtenMs: nowMs, ...emptyStats() };
    return { ...empty, openedAtMs: nowMs, file: undefined };
  }

  /** A full disk may refuse the index too; then the segment goes on growing until it does not. */
  async #sealIfPossible(): Promise<void> {
    try {
      await this.seal();
    } catch (error) {
      const { log, kind } = this.#options;
      log.warn("journal: a segment could not be closed", { kind, error: String(error) });
    }
  }

  async #cutBack(active: ActiveSegment, file: FileHandle): Promise<void> {
    try {
      await file.truncate(active.bytes);
    } catch (error) {
      const { log } = this.#options;
      log.warn("journal: a torn line could not be cut off", {
        path: this.#path(active.id),
        error: String(error),
      });
    }
  }

  async #recover(): Promise<void> {
    const { folder, kind, index, log, clock } = this.#options;
    const names = await readdir(folder);
    const ids = names.flatMap((name) => {
      const parsed = parseSegmentName(name);
      return parsed?.kind === kind ? [parsed.id] : [];
    });
    ids.sort((a, b) => a - b);
    const indexed = new Map(index.segments(kind).map((segment) => [segment.id, segment]));
    for (const id of indexed.keys()) if (!ids.includes(id)) this.#forget(id, ids[0]);
    for (const id of ids) {
      const known = indexed.get(id);
      const { size } = await stat(this.#path(id));
      if (known?.bytes === size) this.#addSealed(known);
      else {
        const segment = await scanSegment(folder, kind, id, log);
        if (known !== undefined && known.bytes > size) {
          const lostEntries = countOf(index.spans(kind, id)) - countOf(segment.spans);
          const path = this.#path(id);
          log.warn("journal: a segment lost its end", { path, lostEntries });
        }
        index.save(segment);
        const { spans: _, usage: __, ...sealed } = segment;
        this.#addSealed(sealed);
      }
    }
    this.#lastId = ids.at(-1) ?? 0;
    const last = this.#sealed.pop();
    if (last === undefined) return;
    this.#sealedBytes -= last.bytes;
    const spans = index.spans(kind, last.id);
    const usage = new UsageByHour();
    if (kind === "invocations") usage.addAll(index.usage.ofSegment(last.id));
    const openedAtMs = Math.min(last.writtenMs, clock.now());
    this.#active = { ...last, spans, usage, openedAtMs, file: undefined };
  }

  /** A segment older than all others may be one that retention was removing; any other is lost. */
  #forget(id: number, oldestId: number | undefined): void {
    const { kind, index, log } = this.#options;
    if (oldestId === undefined || id > oldestId) {
      const lostEntries = countOf(index.spans(kind, id));
      log.warn("journal: a segment is missing", { path: this.#path(id), lostEntries });
    }
    index.remove(kind, id);
  }

  #addSealed(segment: SealedSegment): void {
    this.#sealed.push(segment);
    this.#sealedBytes += segment.bytes;
  }
}

function countOf(spans: ReadonlyMap<string, FunctionSpan>): number {
  let count = 0;
  for (const span of spans.values()) count += span.count;
  return count;
}

async function writeAt(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const length = bytes.length - written;
    const { bytesWritten } = await file.write(bytes, written, length, position + written);
    written += bytesWritten;
  }
}
