import { promisify } from "node:util";
import { crc32, deflateRaw } from "node:zlib";

/** Entries of one archive: what a zip without its 64-bit extension can count. */
export const zipEntriesMax = 65_535;

const signature = { local: 0x04034b50, central: 0x02014b50, end: 0x06054b50 } as const;
const localBytes = 30;
const centralBytes = 46;
const endBytes = 22;
/** Version 2.0 of the format, which has folders and deflate. */
const versionNeeded = 20;
const utf8Names = 0x0800;
const method = { stored: 0, deflated: 8 } as const;
/** 1 January 1980: the same files give the same bytes. */
const epochDate = 0x0021;
/** A regular file that its owner may write and everyone may read. */
const fileMode = (0o100644 << 16) >>> 0;

interface Entry {
  readonly name: Buffer;
  readonly content: Uint8Array;
  readonly packed: Uint8Array;
  readonly method: number;
}

const deflate = promisify(deflateRaw);

/**
 * Packs files into a zip archive, in the order of their paths; the same files give the same bytes.
 * Compresses off the event loop, since a bundle may take a second.
 */
export async function writeZip(files: ReadonlyMap<string, Uint8Array>): Promise<Buffer> {
  const parts: Buffer[] = [];
  const central: Buffer[] = [];
  let at = 0;
  for (const [path, content] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const entry = await entryOf(path, content);
    const local = localHeader(entry);
    central.push(centralHeader(entry, at), entry.name);
    parts.push(local, entry.name, Buffer.from(entry.packed));
    at += local.length + entry.name.length + entry.packed.length;
  }
  const listed = Buffer.concat(central);
  return Buffer.concat([...parts, listed, endRecord(files.size, listed.length, at)]);
}

async function entryOf(path: string, content: Uint8Array): Promise<Entry> {
  const deflated = await deflate(content);
  const smaller = deflated.length < content.length;
  return {
    name: Buffer.from(path),
    content,
    packed: smaller ? deflated : content,
    method: smaller ? method.deflated : method.stored,
  };
}

/** The fields that both headers of an entry have, from `at`. */
function writeCommon(header: Buffer, at: number, entry: Entry): void {
  header.writeUInt16LE(versionNeeded, at);
  header.writeUInt16LE(utf8Names, at + 2);
  header.writeUInt16LE(entry.method, at + 4);
  header.writeUInt16LE(0, at + 6);
  header.writeUInt16LE(epochDate, at + 8);
  header.writeUInt32LE(crc32(entry.content), at + 10);
  header.writeUInt32LE(entry.packed.length, at + 14);
  header.writeUInt32LE(entry.content.length, at + 18);
  header.writeUInt16LE(entry.name.length, at + 22);
}

function localHeader(entry: Entry): Buffer {
  const header = Buffer.alloc(localBytes);
  header.writeUInt32LE(signature.local, 0);
  writeCommon(header, 4, entry);
  return header;
}

function centralHeader(entry: Entry, localAt: number): Buffer {
  const header = Buffer.alloc(centralBytes);
  header.writeUInt32LE(signature.central, 0);
  // Made by Unix, whose file modes follow.
  header.writeUInt16LE((3 << 8) | versionNeeded, 4);
  writeCommon(header, 6, entry);
  header.writeUInt32LE(fileMode, 38);
  header.writeUInt32LE(localAt, 42);
  return header;
}

function endRecord(entries: number, listBytes: number, listAt: number): Buffer {
  const record = Buffer.alloc(endBytes);
  record.writeUInt32LE(signature.end, 0);
  record.writeUInt16LE(entries, 8);
  record.writeUInt16LE(entries, 10);
  record.writeUInt32LE(listBytes, 12);
  record.writeUInt32LE(listAt, 16);
  return record;
}
