import type { InvocationRecord } from "../domain/invocation.ts";
import { decodeInvocation } from "./decode-invocation.ts";
import type { InvocationQuery } from "./journal.ts";
import { quote } from "./quote.ts";
import { linesIn, readBlocksBackward } from "./segment-blocks.ts";
import type { ReadableSegment } from "./segment-log.ts";

/**
 * The newest `limit` records that match, newest (last ended) first, out of the segments (oldest
 * first). Reads from the end and stops after `bytesMax`, returning what it found.
 */
export async function readNewestInvocations(
  query: InvocationQuery,
  segments: readonly ReadableSegment[],
  bytesMax: number,
): Promise<InvocationRecord[]> {
  const found: InvocationRecord[] = [];
  const needle = rarestNeedle(query);
  let bytesRead = 0;
  for (const segment of segments.toReversed()) {
    if (query.sinceMs !== undefined && segment.lastMs < query.sinceMs) continue;
    for await (const block of readBlocksBackward(segment.path, segment.bytes)) {
      for (const text of linesIn(block, needle).toReversed()) {
        const record = decodeInvocation(text);
        if (record && matches(record, query)) found.push(record);
        if (found.length >= query.limit) return found;
      }
      bytesRead += block.length;
      if (bytesRead >= bytesMax) return found;
    }
  }
  return found;
}

/** The part of an encoded record that fewest others have, to find candidates without parsing. */
function rarestNeedle({ id, requestId, functionId }: InvocationQuery): Buffer | undefined {
  if (id !== undefined) return Buffer.from(`"id":${quote(id)}`);
  if (requestId !== undefined) return Buffer.from(`"req":${quote(requestId)}`);
  return functionId === undefined ? undefined : Buffer.from(`"fn":${quote(functionId)}`);
}

function matches(record: InvocationRecord, query: InvocationQuery): boolean {
  if (query.id !== undefined && record.id !== query.id) return false;
  if (query.requestId !== undefined && record.requestId !== query.requestId) return false;
  if (query.functionId !== undefined && record.functionId !== query.functionId) return false;
  return query.sinceMs === undefined || record.startedAtMs >= query.sinceMs;
}
