import { invalidBundle } from "./bundle-limits.ts";

/** One entry of a zip's central directory, checked against its local header. */
export interface ZipEntry {
  readonly name: string;
  readonly folder: boolean;
  readonly deflated: boolean;
  readonly crc32: number;
  readonly unpackedBytes: number;
  /** The packed bytes themselves. */
  readonly packed: Uint8Array;
}

const endSignature = 0x06054b50;
const centralSignature = 0x02014b50;
const localSignature = 0x04034b50;
const endBytes = 22;
const commentBytesMax = 65_535;
const centralBytes = 46;
const localBytes = 30;
const unset = 0xffffffff;

// Parts of the Unix mode that zip keeps in the upper half of an entry's external attributes.
const unixHosts: ReadonlySet<number> = new Set([3, 19]);
const kindMask = 0o170_000;
const kindFile = 0o100_000;
const kindFolder = 0o040_000;
const setIdMask = 0o6000;

/**
 * The entries of a zip archive in the order of its central directory, yielded one by one so that
 * a reader can stop at its bounds. Throws `bundle_invalid` for links, devices, setuid files,
 * encryption, zip64, other compressions than deflate, and headers that contradict each other: the
 * library we use elsewhere for zip (fflate) shows neither modes nor checksums, which these rules need.
 */
export function* readZipDirectory(archive: Uint8Array): Generator<ZipEntry> {
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  const end = findEnd(view);
  const count = view.getUint16(end + 10, true);
  const size = view.getUint32(end + 12, true);
  let at = view.getUint32(end + 16, true);
  if (view.getUint16(end + 4, true) !== 0 || view.getUint16(end + 8, true) !== count) {
    throw invalidBundle("the zip is split over several disks");
  }
  if (count === 0xffff || size === unset || at === unset) throw zip64();
  if (at + size !== end)
    throw invalidBundle("the zip's directory is not where its end record says");
  for (let index = 0; index < count; index++) {
    if (at + centralBytes > end || view.getUint32(at, true) !== centralSignature) {
      throw invalidBundle(`the zip's directory is damaged at entry ${index}`);
    }
    yield readEntry(archive, view, at, end);
    at += centralBytes + lengthAt(view, at, 28) + lengthAt(view, at, 30) + lengthAt(view, at, 32);
  }
  if (at !== end) throw invalidBundle("the zip's directory holds more than it counts");
}

function findEnd(view: DataView): number {
  const lowest = Math.max(0, view.byteLength - endBytes - commentBytesMax);
  for (let at = view.byteLength - endBytes; at >= lowest; at--) {
    const whole = at + endBytes + lengthIfSignature(view, at) === view.byteLength;
    if (whole) return at;
  }
  throw invalidBundle("the zip has no directory; it is cut short or damaged");
}

function lengthIfSignature(view: DataView, at: number): number {
  return view.getUint32(at, true) === endSignature ? view.getUint16(at + 20, true) : -1;
}

function lengthAt(view: DataView, at: number, offset: number): number {
  return view.getUint16(at + offset, true);
}

function readEntry(archive: Uint8Array, view: DataView, at: number, end: number): ZipEntry {
  const nameBytes = archive.subarray(at + centralBytes, at + centralBytes + lengthAt(view, at, 28));
  const name = readName(nameBytes);
  const flags = view.getUint16(at + 8, true);
  const method = view.getUint16(at + 10, true);
  const packedBytes = view.getUint32(at + 20, true);
  const unpackedBytes = view.getUint32(at + 24, true);
  const localAt = view.getUint32(at + 42, true);
  if ((flags & 0x2041) !== 0) throw invalidBundle(`${shown(name)} is encrypted`);
  if ([packedBytes, unpackedBytes, localAt].includes(unset)) throw zip64();
  if (method !== 0 && method !== 8) {
    throw invalidBundle(`${shown(name)} is compressed with method ${method}; use deflate or store`);
  }
  const folder = readKind(view, at, name) || name.endsWith("/");
  if (folder && unpackedBytes !== 0) throw invalidBundle(`the folder ${shown(name)} has content`);
  const bodyAt = localBody(archive, view, localAt, nameBytes, name);
  if (bodyAt + packedBytes > end) throw invalidBundle(`${shown(name)} reaches over the zip's end`);
  if (method === 0 && packedBytes !== unpackedBytes) {
    throw invalidBundle(`${shown(name)} is stored, yet has two different sizes`);
  }
  return {
    name,
    folder,
    deflated: method === 8,
    crc32: view.getUint32(at + 16, true),
    unpackedBytes,
    packed: archive.subarray(bodyAt, bodyAt + packedBytes),
  };
}

/** Whether the Unix mode, where there is one, says folder; refuses everything but files and folders. */
function readKind(view: DataView, at: number, name: string): boolean {
  const host = view.getUint8(at + 5);
  if (!unixHosts.has(host)) return false;
  const mode = view.getUint32(at + 38, true) >>> 16;
  const kind = mode & kindMask;
  if (kind !== 0 && kind !== kindFile && kind !== kindFolder) {
    throw invalidBundle(`${shown(name)} is a link or a device; only files and folders are allowed`);
  }
  if (kind !== kindFolder && (mode & setIdMask) !== 0) {
    throw invalidBundle(`${shown(name)} is setuid or setgid; clear those bits`);
  }
  return kind === kindFolder;
}

/** Where the packed bytes start, after checking that the local header names the same file. */
function localBody(
  archive: Uint8Array,
  view: DataView,
  localAt: number,
  nameBytes: Uint8Array,
  name: string,
): number {
  const fits = localAt + localBytes <= archive.length;
  if (!fits || view.getUint32(localAt, true) !== localSignature) {
    throw invalidBundle(`${shown(name)} has no header where the zip's directory says`);
  }
  const nameAt = localAt + localBytes;
  const localName = archive.subarray(nameAt, nameAt + lengthAt(view, localAt, 26));
  if (Buffer.compare(localName, nameBytes) !== 0) {
    throw invalidBundle(`${shown(name)} has another name in its own header`);
  }
  return nameAt + localName.length + lengthAt(view, localAt, 28);
}

function readName(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw invalidBundle("the name of an entry is not valid UTF-8", cause);
  }
}

function zip64(): Error {
  return invalidBundle("it is a zip64 archive, which nothing within the size limits needs");
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 120));
}
