import { invalidBundle, shownName } from "./bundle-limits.ts";

/** What a 512-byte header block of a tar says. */
export interface TarHeader {
  /** Name with its ustar prefix; "" when the block has none. */
  readonly name: string;
  readonly kind: TarKind;
  /** Bytes of the body that follows, without its padding. */
  readonly bodyBytes: number;
}

export type TarKind = "file" | "folder" | "pax" | "global-pax" | "long-name";

const kinds: Readonly<Record<string, TarKind>> = {
  "0": "file",
  "\0": "file",
  "5": "folder",
  x: "pax",
  g: "global-pax",
  L: "long-name",
};

/** Kinds that are refused, in the words of the message. */
const refusedKinds: Readonly<Record<string, string>> = {
  "1": "link",
  "2": "symlink",
  "3": "character-device",
  "4": "block-device",
  "6": "fifo",
  "7": "contiguous-file",
  K: "link (GNU long link name)",
  S: "sparse file (GNU)",
  M: "part of a multi-volume archive",
  D: "dump of a folder (GNU)",
  V: "volume label",
  A: "access control list (Solaris)",
  X: "pax header of an old kind (Solaris)",
};

const setIdMask = 0o6000;
const checksumAt = 148;
const checksumBytes = 8;

/** Parses one header block. ReactorError `bundle_invalid` for all but plain files, folders and names. */
export function readTarHeader(block: Uint8Array): TarHeader {
  requireChecksum(block);
  const gnu = requireMagic(block);
  const prefix = gnu ? "" : readPrefix(block);
  const last = readText(block, 0, 100);
  const name = prefix === "" ? last : `${prefix}/${last}`;
  const kind = readKind(block, name);
  const bodyBytes = readOctal(block, 124, 12, name);
  if (kind === "folder" && bodyBytes !== 0) {
    throw invalidBundle(`the folder ${shownName(name)} has content`);
  }
  if (kind === "file" && (readOctal(block, 100, 8, name) & setIdMask) !== 0) {
    throw invalidBundle(`${shownName(name)} is setuid or setgid; clear those bits`);
  }
  return { name, kind, bodyBytes };
}

function readKind(block: Uint8Array, name: string): TarKind {
  const flag = String.fromCharCode(block[156] ?? 0);
  const kind = kinds[flag];
  if (kind !== undefined) return kind;
  const what = refusedKinds[flag] ?? `entry of the unknown kind ${JSON.stringify(flag)}`;
  throw invalidBundle(`${shownName(name)} is a ${what}; only files and folders are allowed`);
}

function requireChecksum(block: Uint8Array): void {
  let sum = 0x20 * checksumBytes;
  for (let at = 0; at < block.length; at++) {
    if (at < checksumAt || at >= checksumAt + checksumBytes) sum += block[at] ?? 0;
  }
  if (readOctal(block, checksumAt, checksumBytes, "") === sum) return;
  throw invalidBundle("the tar is damaged: a header does not match its checksum");
}

/** Whether it is GNU's own kind of header, which keeps no prefix; refuses headers older than both. */
function requireMagic(block: Uint8Array): boolean {
  const magic = Buffer.from(block.subarray(257, 265)).toString("latin1");
  if (magic === "ustar  \0") return true;
  if (magic === "ustar\x0000") return false;
  throw invalidBundle(
    "the tar is damaged or of an old kind: a header is not ustar; pack it with tar --format=pax",
  );
}

/** Times of access and change that npm's packer, like star, keeps in the last bytes of the prefix. */
const prefixTimes = /^(?:[0-7]{11}[ \0]){2}$/;

/** The prefix of the name, whose end every reader sees at its first NUL. */
function readPrefix(block: Uint8Array): string {
  const times = Buffer.from(block.subarray(476, 500)).toString("latin1");
  return block[475] === 0 && prefixTimes.test(times)
    ? readText(block, 345, 131)
    : readText(block, 345, 155);
}

/** A field of text up to its first NUL, after which only NULs may follow. */
function readText(block: Uint8Array, at: number, length: number): string {
  const field = block.subarray(at, at + length);
  const end = field.indexOf(0);
  const text = end === -1 ? field : field.subarray(0, end);
  if (end !== -1 && field.subarray(end).some((byte) => byte !== 0)) {
    throw invalidBundle("the name of an entry of the tar has a NUL inside");
  }
  return decodeTarName(text);
}

/** Text of a name. ReactorError `bundle_invalid` when it is not UTF-8. */
export function decodeTarName(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw invalidBundle("the name of an entry of the tar is not valid UTF-8", cause);
  }
}

/** A number in octal digits; the binary form is for sizes far beyond every bound. */
function readOctal(block: Uint8Array, at: number, length: number, name: string): number {
  const field = Buffer.from(block.subarray(at, at + length)).toString("latin1");
  const digits = /^ *([0-7]*)[ \0]*$/.exec(field)?.[1];
  if (digits !== undefined) return digits === "" ? 0 : Number.parseInt(digits, 8);
  throw invalidBundle(
    `the tar is damaged: a header${name === "" ? "" : ` of ${shownName(name)}`} holds a number that is not octal`,
  );
}
