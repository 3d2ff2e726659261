import { stat, truncate } from "node:fs/promises";
import type { Log } from "../base/log.ts";
import { decodeInvocation } from "./decode-invocation.ts";
import { decodeLogLine } from "./log-line-codec.ts";
import {
  type Segment,
  type SegmentKind,
  type SegmentStats,
  countLine,
  emptyStats,
  segmentPath,
} from "./segment.ts";
import { linesIn, readBlocks } from "./segment-blocks.ts";

/**
 * Finds out what is in a segment by reading it, as after a crash. A last line that was torn by the
 * crash is cut off the file, so that the next line starts on its own; damaged lines are passed over.
 */
export async function scanSegment(
  folder: string,
  kind: SegmentKind,
  id: number,
  log: Log,
): Promise<Segment> {
  const path = segmentPath(folder, kind, id);
  const { size, mtimeMs } = await stat(path);
  const stats = emptyStats();
  let bytes = 0;
  let damaged = 0;
  for await (const block of readBlocks(path, size)) {
    bytes += block.length;
    for (const line of linesIn(block)) {
      if (!countEntry(kind, line, stats)) damaged += 1;
    }
  }
  if (bytes < size) await truncate(path, bytes);
  if (bytes < size || damaged > 0) {
    log.warn("journal: a segment was recovered", { path, tornBytes: size - bytes, damaged });
  }
  return { kind, id, bytes, writtenMs: mtimeMs, ...stats };
}

/** False when the line is damaged. */
function countEntry(kind: SegmentKind, text: string, stats: SegmentStats): boolean {
  if (kind === "logs") {
    const line = decodeLogLine(text);
    if (line === undefined) return false;
    countLine(stats, line.functionId, line.atMs, line.seq);
    return true;
  }
  const record = decodeInvocation(text);
  if (record === undefined) return false;
  countLine(stats, record.functionId, record.startedAtMs, 0);
  stats.usage.add(record);
  return true;
}
