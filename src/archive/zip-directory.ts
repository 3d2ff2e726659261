import { invalidBundle, shownName } from "./bundle-limits.ts";
import { readZipBody } from "./zip-body.ts";

/** One entry of a zip's central directory, checked against its local header. */
export interface ZipEntry {
  readonly name: string;
  readonly folder: boolean;
  readonly deflated: boolean;
  readonly crc32: number;
  readonly unpackedBytes: number;
  /** The packed bytes themselves. */
  readonly packed: Uint8Array;
  /** Where the local header starts, and where what belongs to the entry ends. */
  readonly startAt: number;
  readonly endAt: number;
}

export interface ZipDirectory {
  /** One by one, in the order of the central directory, so that a reader can stop at its bounds. */
  readonly entries: Iterable<ZipEntry>;
  /** Where the central directory starts: everything before it belongs to entries. */
  readonly startAt: number;
}

const endSignature = 0x06054b50;
const centralSignature = 0x02014b50;
const endBytes = 22;
const commentBytesMax = 65_535;
const centralBytes = 46;
const unset = 0xffffffff;
/** Encryption of the entry (0), strong encryption (6), encrypted directory (13). */
const encryptedFlags = 0x2041;
/** Compressed patched data (5). */
const patchFlag = 0x20;

// Parts of the Unix mode that zip keeps in the upper half of an entry's external attributes. Looked
// at whatever system the entry says it is from: readers differ in whether they care.
const kindMask = 0o170_000;
const kindFile = 0o100_000;
const kindFolder = 0o040_000;
const setIdMask = 0o6000;

/**
 * Finds the directory of a zip archive. ReactorError `bundle_invalid` here and while the entries
 * are walked for links, devices, setuid files, encryption, zip64, other compressions than deflate,
 * and headers that contradict each other: the library we use elsewhere for zip (fflate) shows
 * neither modes nor checksums, which these rules need.
 */
export function readZipDirectory(archive: Uint8Array): ZipDirectory {
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  const end = findEnd(view);
  const count = view.getUint16(end + 10, true);
  const size = view.getUint32(end + 12, true);
  const startAt = view.getUint32(end + 16, true);
  if (count === 0xffff || size === unset || startAt === unset) throw zip64();
  if (view.getUint16(end + 4, true) !== 0 || view.getUint16(end + 8, true) !== count) {
    throw invalidBundle("the zip is split over several disks");
  }
  if (startAt + size !== end) {
    throw invalidBundle("the zip's directory is not where its end record says");
  }
  return { startAt, entries: walk(archive, view, { startAt, end, count }) };
}

function* walk(
  archive: Uint8Array,
  view: DataView,
  {
    startAt,
    end,
    count,
  }: { readonly startAt: number; readonly end: number; readonly count: number },
): Generator<ZipEntry> {
  let at = startAt;
  for (let index = 0; index < count; index++) {
    if (at + centralBytes > end || view.getUint32(at, true) !== centralSignature) {
      throw invalidBundle(`the zip's directory is damaged at entry ${index}`);
    }
    const next =
      at + centralBytes + lengthAt(view, at, 28) + lengthAt(view, at, 30) + lengthAt(view, at, 32);
    if (next > end) throw invalidBundle(`the zip's directory is damaged at entry ${index}`);
    yield readEntry(archive, view, at, startAt);
    at = next;
  }
  if (at !== end) throw invalidBundle("the zip's directory holds more than it counts");
}

/** The end record; a comment that holds another one is refused, since readers disagree which counts. */
function findEnd(view: DataView): number {
  const lowest = Math.max(0, view.byteLength - endBytes - commentBytesMax);
  let found: number | undefined;
  for (let at = view.byteLength - endBytes; at >= lowest; at--) {
    if (view.getUint32(at, true) !== endSignature) continue;
    const whole = at + endBytes + view.getUint16(at + 20, true) === view.byteLength;
    if (found === undefined && whole) found = at;
    else if (found !== undefined && at + endBytes > found) continue;
    else if (found === undefined || whole) throw severalEnds();
  }
  if (found !== undefined) return found;
  throw invalidBundle("the zip has no directory at its end; it is cut short or damaged");
}

function severalEnds(): Error {
  return invalidBundle("the zip has several end records, or data follows its end");
}

function lengthAt(view: DataView, at: number, offset: number): number {
  return view.getUint16(at + offset, true);
}

function readEntry(archive: Uint8Array, view: DataView, at: number, directoryAt: number): ZipEntry {
  const nameBytes = archive.subarray(at + centralBytes, at + centralBytes + lengthAt(view, at, 28));
  const name = readName(nameBytes);
  const flags = view.getUint16(at + 8, true);
  const method = view.getUint16(at + 10, true);
  const checksum = view.getUint32(at + 16, true);
  const packedBytes = view.getUint32(at + 20, true);
  const unpackedBytes = view.getUint32(at + 24, true);
  const startAt = view.getUint32(at + 42, true);
  if ((flags & encryptedFlags) !== 0) throw invalidBundle(`${shownName(name)} is encrypted`);
  if ([packedBytes, unpackedBytes, startAt].includes(unset)) throw zip64();
  if ((method !== 0 && method !== 8) || (flags & patchFlag) !== 0) {
    throw invalidBundle(
      `${shownName(name)} is compressed with method ${method}; use deflate or store`,
    );
  }
  const folder = readKind(view, at, name) || name.endsWith("/");
  if (folder && unpackedBytes !== 0) {
    throw invalidBundle(`the folder ${shownName(name)} has content`);
  }
  if (method === 0 && packedBytes !== unpackedBytes) {
    throw invalidBundle(`${shownName(name)} is stored, yet has two different sizes`);
  }
  const extraAt = at + centralBytes + nameBytes.length;
  const extra = archive.subarray(extraAt, extraAt + lengthAt(view, at, 30));
  const body = readZipBody(archive, {
    directoryAt,
    startAt,
    extra,
    name,
    nameBytes,
    flags,
    method,
    checksum,
    packedBytes,
    unpackedBytes,
  });
  return { name, folder, deflated: method === 8, crc32: checksum, unpackedBytes, startAt, ...body };
}

/** Whether the Unix mode, where there is one, says folder; refuses everything but files and folders. */
function readKind(view: DataView, at: number, name: string): boolean {
  const mode = view.getUint32(at + 38, true) >>> 16;
  const kind = mode & kindMask;
  if (kind !== 0 && kind !== kindFile && kind !== kindFolder) {
    throw invalidBundle(
      `${shownName(name)} is a link or a device; only files and folders are allowed`,
    );
  }
  if (kind !== kindFolder && (mode & setIdMask) !== 0) {
    throw invalidBundle(`${shownName(name)} is setuid or setgid; clear those bits`);
  }
  return kind === kindFolder;
}

function readName(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw invalidBundle("the name of an entry of the zip is not valid UTF-8", cause);
  }
}

function zip64(): Error {
  return invalidBundle("it is a zip64 archive, which nothing within the size limits needs");
}
