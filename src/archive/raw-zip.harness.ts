import { crc32, deflateRawSync } from "node:zlib";

/** Fields that a zip keeps twice, in an entry's own header and in the directory. */
export interface RawZipFields {
  readonly name?: string | Uint8Array;
  readonly flags?: number;
  readonly method?: number;
  readonly checksum?: number;
  readonly packedBytes?: number;
  readonly unpackedBytes?: number;
  readonly extra?: Uint8Array;
}

/** One entry of a zip that tests build byte by byte. */
export interface RawZipEntry extends RawZipFields {
  readonly content?: string | Uint8Array;
  /** Stored bytes instead of the content, deflated or not. */
  readonly packed?: Uint8Array;
  /** What only the entry's own header says. */
  readonly local?: RawZipFields;
  /** What only the directory says. */
  readonly central?: RawZipFields & { readonly localAt?: number };
  readonly host?: number;
  readonly mode?: number;
  /** Bytes behind the data, as a descriptor. */
  readonly after?: Uint8Array;
  /** Leaves the entry's own header and data out: only the directory knows it. */
  readonly unwritten?: boolean;
}

/** What the end of a zip may get wrong. */
export interface RawZipOptions {
  readonly before?: Uint8Array;
  readonly beforeDirectory?: Uint8Array;
  readonly beforeEnd?: Uint8Array;
  readonly comment?: Uint8Array;
  readonly after?: Uint8Array;
  readonly count?: number;
  readonly disk?: number;
  readonly directoryAt?: number;
}

const stored = 0;
const deflated = 8;

/** A whole zip of these entries. */
export function rawZip(entries: readonly RawZipEntry[], options: RawZipOptions = {}): Buffer {
  const before = options.before ?? Buffer.alloc(0);
  const parts: Uint8Array[] = [before];
  const directory: Buffer[] = [];
  let at = before.length;
  for (const entry of entries) {
    const { fields, packed } = settle(entry);
    directory.push(centralHeader(entry, fields, at));
    if (entry.unwritten === true) continue;
    const written = [localHeader({ ...fields, ...entry.local }), packed, entry.after ?? empty];
    for (const part of written) at += part.length;
    parts.push(...written);
  }
  const gap = options.beforeDirectory ?? empty;
  const head = Buffer.concat(directory);
  const end = endRecord(options.count ?? entries.length, {
    bytes: head.length,
    at: options.directoryAt ?? at + gap.length,
    comment: options.comment ?? empty,
    disk: options.disk ?? 0,
  });
  return Buffer.concat([
    ...parts,
    gap,
    head,
    options.beforeEnd ?? empty,
    end,
    options.after ?? empty,
  ]);
}

const empty = Buffer.alloc(0);

type Settled = Required<RawZipFields>;

function settle(entry: RawZipEntry): { readonly fields: Settled; readonly packed: Uint8Array } {
  const content = Buffer.from(entry.content ?? "x");
  const method = entry.method ?? stored;
  const packed =
    entry.packed ?? (method === deflated ? deflateRawSync(content, { level: 1 }) : content);
  return {
    packed,
    fields: {
      name: entry.name ?? "index.ts",
      flags: entry.flags ?? 0,
      method,
      checksum: entry.checksum ?? crc32(content),
      packedBytes: entry.packedBytes ?? packed.length,
      unpackedBytes: entry.unpackedBytes ?? content.length,
      extra: entry.extra ?? empty,
    },
  };
}

/** An entry's own header, without its data. */
export function localHeader(fields: RawZipFields): Buffer {
  const name = Buffer.from(fields.name ?? "index.ts");
  const extra = fields.extra ?? empty;
  const head = Buffer.alloc(30);
  head.writeUInt32LE(0x04034b50, 0);
  head.writeUInt16LE(20, 4);
  writeFields(head, fields, 6);
  head.writeUInt16LE(name.length, 26);
  head.writeUInt16LE(extra.length, 28);
  return Buffer.concat([head, name, extra]);
}

function centralHeader(entry: RawZipEntry, settled: Settled, at: number): Buffer {
  const fields = { ...settled, ...entry.central };
  const name = Buffer.from(fields.name);
  const head = Buffer.alloc(46);
  head.writeUInt32LE(0x02014b50, 0);
  head.writeUInt8(20, 4);
  head.writeUInt8(entry.host ?? 3, 5);
  head.writeUInt16LE(20, 6);
  writeFields(head, fields, 8);
  head.writeUInt16LE(name.length, 28);
  head.writeUInt16LE(fields.extra.length, 30);
  head.writeUInt32LE(((entry.mode ?? 0) * 65_536) >>> 0, 38);
  head.writeUInt32LE(entry.central?.localAt ?? at, 42);
  return Buffer.concat([head, name, fields.extra]);
}

function writeFields(head: Buffer, fields: RawZipFields, at: number): void {
  head.writeUInt16LE(fields.flags ?? 0, at);
  head.writeUInt16LE(fields.method ?? stored, at + 2);
  head.writeUInt32LE(fields.checksum ?? 0, at + 8);
  head.writeUInt32LE(fields.packedBytes ?? 0, at + 12);
  head.writeUInt32LE(fields.unpackedBytes ?? 0, at + 16);
}

/** The record at a zip's end. */
export function endRecord(
  count: number,
  directory: {
    readonly bytes: number;
    readonly at: number;
    readonly comment: Uint8Array;
    readonly disk: number;
  },
): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(directory.disk, 4);
  end.writeUInt16LE(count % 65_536, 8);
  end.writeUInt16LE(count % 65_536, 10);
  end.writeUInt32LE(directory.bytes, 12);
  end.writeUInt32LE(directory.at, 16);
  end.writeUInt16LE(directory.comment.length, 20);
  return Buffer.concat([end, directory.comment]);
}

/** The record behind the data of an entry whose header left sizes and checksum out. */
export function descriptor(
  content: string,
  options: { readonly signed: boolean; readonly packedBytes?: number },
): Buffer {
  const record = Buffer.alloc(16);
  record.writeUInt32LE(0x08074b50, 0);
  record.writeUInt32LE(crc32(content), 4);
  record.writeUInt32LE(options.packedBytes ?? content.length, 8);
  record.writeUInt32LE(content.length, 12);
  return options.signed ? record : record.subarray(4);
}

/** One extra field. */
export function extraField(kind: number, data: Uint8Array): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(kind, 0);
  head.writeUInt16LE(data.length, 2);
  return Buffer.concat([head, data]);
}
