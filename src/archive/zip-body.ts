import { invalidBundle, shownName } from "./bundle-limits.ts";

/** What the central directory says of an entry, to be held against the entry's own header. */
export interface ZipClaim {
  readonly directoryAt: number;
  readonly startAt: number;
  readonly name: string;
  readonly nameBytes: Uint8Array;
  /** The directory's extra fields of the entry. */
  readonly extra: Uint8Array;
  readonly flags: number;
  readonly method: number;
  readonly checksum: number;
  readonly packedBytes: number;
  readonly unpackedBytes: number;
}

const localSignature = 0x04034b50;
const localBytes = 30;
const descriptorSignature = 0x08074b50;
/** Sizes and checksum follow the data, in a descriptor. */
const descriptorFlag = 8;
/** Flags 1 and 2 say how hard a packer tried; packers set them in one header only. */
const effortFlags = 6;
const zip64Extra = 0x0001;
const unicodePathExtra = 0x7075;

/**
 * The packed bytes of an entry and where what belongs to it ends, its descriptor included.
 * ReactorError `bundle_invalid` when its own header or descriptor contradicts the directory: one
 * reader goes by the one, another by the other.
 */
export function readZipBody(
  archive: Uint8Array,
  claim: ZipClaim,
): { readonly packed: Uint8Array; readonly endAt: number } {
  const { name, startAt, directoryAt } = claim;
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  if (startAt + localBytes > directoryAt || view.getUint32(startAt, true) !== localSignature) {
    throw invalidBundle(`${shownName(name)} has no header where the zip's directory says`);
  }
  const nameAt = startAt + localBytes;
  const extraAt = nameAt + view.getUint16(startAt + 26, true);
  const bodyAt = extraAt + view.getUint16(startAt + 28, true);
  const endAt = bodyAt + claim.packedBytes;
  if (endAt > directoryAt)
    throw invalidBundle(`${shownName(name)} reaches over the zip's directory`);
  if (Buffer.compare(archive.subarray(nameAt, extraAt), claim.nameBytes) !== 0) {
    throw invalidBundle(`${shownName(name)} has another name in its own header`);
  }
  checkExtra(claim.extra, claim);
  checkExtra(archive.subarray(extraAt, bodyAt), claim);
  const described = (claim.flags & descriptorFlag) !== 0;
  checkLocal(view, claim, described);
  return {
    packed: archive.subarray(bodyAt, endAt),
    endAt: described ? endAt + descriptorBytes(view, endAt, claim) : endAt,
  };
}

function checkLocal(view: DataView, claim: ZipClaim, described: boolean): void {
  const at = claim.startAt;
  const flags = view.getUint16(at + 6, true) & ~effortFlags;
  if (flags !== (claim.flags & ~effortFlags) || view.getUint16(at + 8, true) !== claim.method) {
    throw contradiction(claim, "flags or method");
  }
  const wanted = [claim.checksum, claim.packedBytes, claim.unpackedBytes];
  const found = [14, 18, 22].map((offset) => view.getUint32(at + offset, true));
  const left = described && found.every((value) => value === 0);
  if (!left && found.some((value, index) => value !== wanted[index])) {
    throw contradiction(claim, "checksum or sizes");
  }
}

/** Length of the descriptor behind the data: with or without its signature, which is optional. */
function descriptorBytes(view: DataView, at: number, claim: ZipClaim): number {
  const signed =
    at + 4 <= claim.directoryAt && view.getUint32(at, true) === descriptorSignature ? 4 : 0;
  const bytes = signed + 12;
  if (at + bytes > claim.directoryAt) throw contradiction(claim, "descriptor");
  const wanted = [claim.checksum, claim.packedBytes, claim.unpackedBytes];
  const same = wanted.every((value, i) => view.getUint32(at + signed + i * 4, true) === value);
  if (!same) throw contradiction(claim, "descriptor");
  return bytes;
}

/** Extra fields hold times and owners; those that would change name or sizes are refused. */
function checkExtra(extra: Uint8Array, claim: ZipClaim): void {
  const view = new DataView(extra.buffer, extra.byteOffset, extra.byteLength);
  // What is too short for a field is padding, as Android's zipalign leaves it.
  for (let at = 0; at + 4 <= extra.length; ) {
    const kind = view.getUint16(at, true);
    const end = at + 4 + view.getUint16(at + 2, true);
    if (end > extra.length) throw contradiction(claim, "extra fields");
    if (kind === zip64Extra) {
      throw invalidBundle("it is a zip64 archive, which nothing within the size limits needs");
    }
    // A version and a checksum come before the name.
    const other = extra.subarray(at + 9, end);
    if (kind === unicodePathExtra && Buffer.compare(other, claim.nameBytes) !== 0) {
      throw invalidBundle(`${shownName(claim.name)} has another name in its Unicode path field`);
    }
    at = end;
  }
}

function contradiction(claim: ZipClaim, what: string): Error {
  return invalidBundle(
    `${shownName(claim.name)} has other ${what} in its own header than in the zip's directory; pack it again`,
  );
}
