import { crc32 } from "node:zlib";
import { invalidBundle } from "./bundle-limits.ts";
import { inflateChunks } from "./inflate-chunks.ts";

const headBytes = 10;
const trailerBytes = 8;
const flagHeadCrc = 2;
const flagExtra = 4;
const flagName = 8;
const flagComment = 16;
const reservedFlags = 0xe0;

/**
 * Unpacks a gzip file of exactly one member, piece by piece. Written out rather than left to the
 * engine's gunzip, which joins further members and overlooks what follows the last: two readers of
 * one upload must not disagree about what is in it. ReactorError `bundle_invalid` when the head,
 * the data, the checksum or the length is wrong, or when anything follows.
 */
export async function* gunzipMember(archive: Uint8Array): AsyncGenerator<Uint8Array> {
  const bodyAt = gzipBodyAt(archive);
  const chunks = inflateChunks(archive.subarray(bodyAt));
  let checksum = 0;
  let bytes = 0;
  try {
    let step = await nextChunk(chunks);
    while (step.done !== true) {
      checksum = crc32(step.value, checksum);
      bytes += step.value.length;
      yield step.value;
      step = await nextChunk(chunks);
    }
    checkTrailer(archive, bodyAt + step.value, { checksum, bytes });
  } finally {
    // Also when the reader stops early: no one else would stop the inflating.
    await chunks.return(0);
  }
}

type Step = IteratorResult<Uint8Array, number>;

async function nextChunk(chunks: AsyncGenerator<Uint8Array, number>): Promise<Step> {
  try {
    return await chunks.next();
  } catch (cause) {
    throw damaged(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/** Where the deflate data starts: after the head and its optional extra field, name, comment and CRC. */
function gzipBodyAt(archive: Uint8Array): number {
  if (archive.length < headBytes + trailerBytes) throw damaged("it is cut short");
  const flags = archive[3] ?? 0;
  if (archive[2] !== 8 || (flags & reservedFlags) !== 0) {
    throw damaged("its gzip head has an unknown method or unknown flags");
  }
  let at = headBytes;
  if ((flags & flagExtra) !== 0) at += 2 + (archive[at] ?? 0) + (archive[at + 1] ?? 0) * 256;
  for (const flag of [flagName, flagComment]) {
    if ((flags & flag) === 0) continue;
    const end = archive.indexOf(0, at);
    if (end === -1) throw damaged("its gzip head does not end");
    at = end + 1;
  }
  if ((flags & flagHeadCrc) !== 0) at += 2;
  if (at + trailerBytes > archive.length) throw damaged("it is cut short");
  return at;
}

function checkTrailer(
  archive: Uint8Array,
  at: number,
  found: { readonly checksum: number; readonly bytes: number },
): void {
  if (at + trailerBytes > archive.length) throw damaged("it is cut short in its checksum");
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  if (view.getUint32(at, true) !== found.checksum) {
    throw damaged("its content does not match its checksum (CRC-32)");
  }
  if (view.getUint32(at + 4, true) !== found.bytes % 2 ** 32) {
    throw damaged(`it unpacks to ${found.bytes} bytes, its end says otherwise`);
  }
  const rest = archive.length - at - trailerBytes;
  if (rest > 0) {
    throw damaged(`${rest} bytes follow its end; send one gzip member and nothing after it`);
  }
}

function damaged(reason: string, cause?: unknown): Error {
  return invalidBundle(`the tar.gz is damaged: ${reason}`, cause);
}
