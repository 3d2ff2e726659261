import { deflateRawSync, crc32 } from "node:zlib";

/** One entry of a tar that tests build byte by byte; what is not said is what a plain file has. */
export interface RawTarEntry {
  readonly name?: string | Uint8Array;
  readonly prefix?: string;
  /** One character; "0" is a file. */
  readonly type?: string;
  readonly body?: string | Uint8Array;
  /** The twelve bytes of the size field instead of the body's length. */
  readonly size?: string;
  readonly mode?: string;
  readonly magic?: string;
  readonly linkname?: string;
  readonly checksum?: string;
}

const blockBytes = 512;

/** A header block and its padded body. */
export function tarEntry(entry: RawTarEntry = {}): Buffer {
  const body = Buffer.from(entry.body ?? (isFile(entry) ? "x" : ""));
  const block = Buffer.alloc(blockBytes);
  block.set(Buffer.from(entry.name ?? "index.ts").subarray(0, 100), 0);
  block.write(entry.mode ?? "0000644\0", 100, "latin1");
  block.write("0000000\x000000000\0", 108, "latin1");
  block.write(entry.size ?? `${body.length.toString(8).padStart(11, "0")}\0`, 124, 12, "latin1");
  block.write("14000000000\0", 136, "latin1");
  block.write("        ", 148, "latin1");
  block.write(entry.type ?? "0", 156, "latin1");
  block.write(entry.linkname ?? "", 157, "latin1");
  block.write(entry.magic ?? "ustar\x0000", 257, "latin1");
  block.write(entry.prefix ?? "", 345, "latin1");
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(entry.checksum ?? `${sum.toString(8).padStart(6, "0")}\0 `, 148, 8, "latin1");
  const padding = (blockBytes - (body.length % blockBytes)) % blockBytes;
  return Buffer.concat([block, body, Buffer.alloc(padding)]);
}

function isFile(entry: RawTarEntry): boolean {
  return (entry.type ?? "0") === "0" && !String(entry.name).endsWith("/");
}

/** The two empty blocks that end a tar. */
export const tarEnd = Buffer.alloc(2 * blockBytes);

/** A whole tar of these entries. */
export function rawTar(...entries: readonly (RawTarEntry | Uint8Array)[]): Buffer {
  const parts = entries.map((entry) => (entry instanceof Uint8Array ? entry : tarEntry(entry)));
  return Buffer.concat([...parts, tarEnd]);
}

/** An extended header, for the entry that follows or ("g") for all; records are given as they are. */
export function paxHeader(records: string | Uint8Array, type = "x"): Buffer {
  return tarEntry({ name: "PaxHeader", type, body: records });
}

/** One well-formed record: `length key=value LF`. */
export function paxRecord(key: string, value: string | Uint8Array): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from("\n")]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length += 1;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** GNU's way to give the next entry a long name. */
export function gnuLongName(name: string | Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(name), Buffer.alloc(1)]);
  return tarEntry({ name: "././@LongLink", type: "L", body, magic: "ustar  \0" });
}

/** What a gzip member may get wrong. */
export interface RawGzipOptions {
  readonly flags?: number;
  /** Bytes of the optional fields that the flags announce. */
  readonly fields?: Uint8Array;
  readonly method?: number;
  readonly checksum?: number;
  readonly length?: number;
}

/** One gzip member. */
export function rawGzip(content: Uint8Array, options: RawGzipOptions = {}): Buffer {
  return gzipAround(deflateRawSync(content, { level: 1 }), content.length, {
    checksum: crc32(content),
    ...options,
  });
}

/** One gzip member around data that is deflated already. */
export function gzipAround(
  deflated: Uint8Array,
  length: number,
  options: RawGzipOptions & { readonly checksum: number },
): Buffer {
  const head = Buffer.from([0x1f, 0x8b, options.method ?? 8, options.flags ?? 0, 0, 0, 0, 0, 0, 3]);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(options.checksum >>> 0, 0);
  trailer.writeUInt32LE((options.length ?? length) >>> 0, 4);
  return Buffer.concat([head, options.fields ?? Buffer.alloc(0), deflated, trailer]);
}
