import { stat, truncate } from "node:fs/promises";
import type { Log } from "../base/log.ts";
import { decodeInvocation } from "./decode-invocation.ts";
import { decodeLogLine } from "./log-line-codec.ts";
import { type Segment, type SegmentKind, countLine, emptyStats, segmentPath } from "./segment.ts";
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
      const entry = decodeEntry(kind, line);
      if (entry === undefined) damaged += 1;
      else countLine(stats, entry.functionId, entry.atMs, entry.seq);
    }
  }
  if (bytes < size) await truncate(path, bytes);
  if (bytes < size || damaged > 0) {
    log.warn("journal: a segment was recovered", { path, tornBytes: size - bytes, damaged });
  }
  return { kind, id, bytes, writtenMs: mtimeMs, ...stats };
}

function decodeEntry(
  kind: SegmentKind,
  line: string,
): { functionId: string; atMs: number; seq: number } | undefined {
  if (kind === "logs") return decodeLogLine(line);
  const record = decodeInvocation(line);
  return record && { functionId: record.functionId, atMs: record.startedAtMs, seq: 0 };
}
