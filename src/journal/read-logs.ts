import type { StoredLogLine } from "../domain/invocation.ts";
import type { LogQuery } from "./journal.ts";
import { matchesLogQuery } from "./log-filter.ts";
import { decodeLogLine, functionNeedle, seqOfEncoded } from "./log-line-codec.ts";
import { linesIn, readBlocks, readBlocksBackward } from "./segment-blocks.ts";
import type { ReadableSegment } from "./segment-log.ts";

/**
 * The newest `limit` lines that match, oldest first, out of the segments that have lines of the
 * function (oldest first). Reads from the end and stops after `bytesMax`, returning what it found.
 */
export async function readNewestLogs(
  query: LogQuery,
  segments: readonly ReadableSegment[],
  bytesMax: number,
): Promise<StoredLogLine[]> {
  const found: StoredLogLine[] = [];
  const needle = functionNeedle(query.functionId);
  const afterSeq = query.afterSeq ?? 0;
  let bytesRead = 0;
  for (const segment of segments.toReversed()) {
    if ((segment.span?.lastSeq ?? 0) <= afterSeq) break;
    if (query.sinceMs !== undefined && segment.lastMs < query.sinceMs) continue;
    for await (const block of readBlocksBackward(segment.path, segment.bytes)) {
      for (const text of linesIn(block, needle).toReversed()) {
        if (seqOfEncoded(text) <= afterSeq) return found.toReversed();
        const line = decodeLogLine(text);
        if (line && matchesLogQuery(line, query)) found.push(line);
        if (found.length >= query.limit) return found.toReversed();
      }
      bytesRead += block.length;
      if (bytesRead >= bytesMax) return found.toReversed();
    }
  }
  return found.toReversed();
}

/** Every line of the function after `afterSeq` and up to `toSeq`, in order, a block at a time. */
export async function* readLogsForward(
  functionId: string,
  range: { readonly afterSeq: number; readonly toSeq: number },
  segments: readonly ReadableSegment[],
): AsyncGenerator<StoredLogLine[]> {
  const { afterSeq, toSeq } = range;
  const needle = functionNeedle(functionId);
  for (const { span, path, bytes } of segments) {
    if (span === undefined || span.lastSeq <= afterSeq || span.firstSeq > toSeq) continue;
    for await (const block of readBlocks(path, bytes)) {
      const lines: StoredLogLine[] = [];
      for (const text of linesIn(block, needle)) {
        const seq = seqOfEncoded(text);
        if (seq <= afterSeq || seq > toSeq) continue;
        const line = decodeLogLine(text);
        if (line?.functionId === functionId) lines.push(line);
      }
      if (lines.length > 0) yield lines;
    }
  }
}
