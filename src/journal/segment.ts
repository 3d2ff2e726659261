import { join } from "node:path";
import { UsageByHour } from "./usage-by-hour.ts";

/** What a segment holds: log lines or invocation records. */
const segmentKinds = ["logs", "invocations"] as const;
export type SegmentKind = (typeof segmentKinds)[number];

/** Where the lines of one function are among those of a segment. Records have no `seq`: both are 0. */
export interface FunctionSpan {
  firstSeq: number;
  lastSeq: number;
  count: number;
}

/** What is known of a run of lines: a batch about to be written, or a whole segment. */
export interface SegmentStats {
  /** Times of the earliest and latest line, in epoch milliseconds; Infinity and -Infinity for none. */
  firstMs: number;
  lastMs: number;
  readonly spans: Map<string, FunctionSpan>;
  /** Empty for log lines. */
  readonly usage: UsageByHour;
}

export interface Segment extends SegmentStats {
  readonly kind: SegmentKind;
  /** Rises by one per kind; the file is named by it. */
  readonly id: number;
  /** Bytes that hold whole lines; a reader goes no further. */
  bytes: number;
  /** When it was last appended to; retention goes by this and not by what the lines say. */
  writtenMs: number;
}

/** What is kept in memory of a closed segment; its spans and sums are in the index. */
export type SealedSegment = Omit<Readonly<Segment>, "spans" | "usage">;

export function emptyStats(): SegmentStats {
  return {
    firstMs: Number.POSITIVE_INFINITY,
    lastMs: Number.NEGATIVE_INFINITY,
    spans: new Map(),
    usage: new UsageByHour(),
  };
}

/** Counts one more line. */
export function countLine(
  stats: SegmentStats,
  functionId: string,
  atMs: number,
  seq: number,
): void {
  if (atMs < stats.firstMs) stats.firstMs = atMs;
  if (atMs > stats.lastMs) stats.lastMs = atMs;
  const span = stats.spans.get(functionId);
  if (span === undefined) {
    stats.spans.set(functionId, { firstSeq: seq, lastSeq: seq, count: 1 });
  } else {
    span.lastSeq = seq;
    span.count += 1;
  }
}

/** Adds the counts of a later run of lines. */
export function addStats(total: SegmentStats, later: SegmentStats): void {
  total.firstMs = Math.min(total.firstMs, later.firstMs);
  total.lastMs = Math.max(total.lastMs, later.lastMs);
  for (const [functionId, { firstSeq, lastSeq, count }] of later.spans) {
    const span = total.spans.get(functionId);
    if (span === undefined) total.spans.set(functionId, { firstSeq, lastSeq, count });
    else {
      span.lastSeq = lastSeq;
      span.count += count;
    }
  }
  total.usage.addAll(later.usage);
}

export function segmentPath(folder: string, kind: SegmentKind, id: number): string {
  return join(folder, `${kind}-${String(id).padStart(12, "0")}.ndjson`);
}

/** The kind and id in a segment's file name; undefined for other files. */
export function parseSegmentName(name: string): { kind: SegmentKind; id: number } | undefined {
  const match = /^(logs|invocations)-(\d{12,15})\.ndjson$/.exec(name);
  const kind = segmentKinds.find((known) => known === match?.[1]);
  return kind === undefined ? undefined : { kind, id: Number(match?.[2]) };
}
