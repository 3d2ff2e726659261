import { deflateRawSync } from "node:zlib";
import type { HostileArchive } from "./hostile-archive.harness.ts";
import { collidingNames, hostileNames } from "./hostile-names.harness.ts";
import {
  descriptor,
  endRecord,
  extraField,
  localHeader,
  type RawZipEntry,
  rawZip,
} from "../../archive/raw-zip.harness.ts";

type Row = readonly [what: string, zip: () => Uint8Array, word: string];

const good: RawZipEntry = { name: "index.ts", content: "export default 1" };
const unset = 0xffffffff;

function one(entry: RawZipEntry): () => Uint8Array {
  return () => rawZip([{ ...good, ...entry }]);
}

const kinds: readonly Row[] = [
  ["a link", one({ mode: 0o120_777 }), "a link or a device"],
  ["a link from MS-DOS", one({ mode: 0o120_777, host: 0 }), "a link or a device"],
  ["a character device", one({ mode: 0o020_644 }), "a link or a device"],
  ["a block device", one({ mode: 0o060_644 }), "a link or a device"],
  ["a fifo", one({ mode: 0o010_644 }), "a link or a device"],
  ["a socket", one({ mode: 0o140_644 }), "a link or a device"],
  ["a setuid file", one({ mode: 0o104_755 }), "setuid"],
  ["a setgid file", one({ mode: 0o102_755 }), "setuid"],
  ["a folder with content", one({ name: "a/" }), "has content"],
  ["a folder by its mode with content", one({ mode: 0o040_755 }), "has content"],
  [
    "a folder that hides content",
    () => rawZip([good, { name: "a/", method: 8, content: "x", unpackedBytes: 0, checksum: 0 }]),
    "more than the 0 bytes",
  ],
];

const features: readonly Row[] = [
  ["encryption", one({ flags: 1 }), "is encrypted"],
  ["strong encryption", one({ flags: 0x41 }), "is encrypted"],
  ["an encrypted directory", one({ flags: 0x2000 }), "is encrypted"],
  ["encryption in one header only", one({ local: { flags: 1 } }), "other flags or method"],
  ["patch data", one({ flags: 0x20 }), "method 0"],
  ["LZMA", one({ method: 14 }), "method 14"],
  ["AES", one({ method: 99 }), "method 99"],
  ["a zip64 size", one({ unpackedBytes: unset }), "zip64"],
  ["a zip64 offset", one({ central: { localAt: unset } }), "zip64"],
  ["a zip64 field", one({ extra: extraField(1, Buffer.alloc(16)) }), "zip64"],
  ["a zip64 count", () => rawZip([good], { count: 0xffff }), "zip64"],
  ["a zip64 end record", () => rawZip([good], { beforeEnd: Buffer.alloc(76) }), "end record says"],
  ["several disks", () => rawZip([good], { disk: 1 }), "several disks"],
];

const headers: readonly Row[] = [
  ["another name in its own header", one({ local: { name: "../a.ts" } }), "another name"],
  ["another method", one({ local: { method: 8 } }), "other flags or method"],
  ["another checksum", one({ local: { checksum: 1 } }), "other checksum or sizes"],
  ["another size", one({ local: { unpackedBytes: 1 } }), "other checksum or sizes"],
  ["another packed size", one({ local: { packedBytes: 1 } }), "other checksum or sizes"],
  [
    "another Unicode name",
    one({ extra: extraField(0x7075, Buffer.from("\x01\0\0\0\0../a.ts", "latin1")) }),
    "Unicode path",
  ],
  ["a broken extra field", one({ extra: Buffer.of(9, 9, 99, 0) }), "other extra fields"],
  ["a missing descriptor", one({ flags: 8 }), "other descriptor"],
  [
    "a descriptor that contradicts",
    one({ flags: 8, after: descriptor("export default 2", { signed: true }) }),
    "other descriptor",
  ],
  [
    "a descriptor of another size",
    one({ flags: 8, after: descriptor("export default 1", { signed: false, packedBytes: 9 }) }),
    "other descriptor",
  ],
  ["two sizes for stored data", one({ unpackedBytes: 99 }), "two different sizes"],
  ["wrong CRC", one({ checksum: 7 }), "does not match its checksum"],
  ["wrong CRC of deflated data", one({ method: 8, checksum: 7 }), "does not match its checksum"],
  ["less data than it says", one({ method: 8, unpackedBytes: 99 }), "its entry says 99"],
  ["more data than it says", one({ method: 8, unpackedBytes: 3 }), "more than the 3 bytes"],
  [
    "data behind the deflated data",
    one({ method: 8, packed: Buffer.concat([deflateRawSync("export default 1"), Buffer.of(1)]) }),
    "1 bytes follow the end of the data",
  ],
  [
    "deflated data cut short",
    one({ method: 8, packed: deflateRawSync("export default 1").subarray(0, -2) }),
    "cannot be inflated",
  ],
  ["no deflated data", one({ method: 8, packed: new Uint8Array(0) }), "cannot be inflated"],
  [
    "a bomb that denies it",
    one({ method: 8, content: Buffer.alloc(8 * 1_048_576), unpackedBytes: 100 }),
    "more than the 100 bytes",
  ],
];

const layouts: readonly Row[] = [
  ["bytes before it", () => rawZip([good], { before: Buffer.from("PKSFX") }), "belong to no entry"],
  ["bytes behind it", () => rawZip([good], { after: Buffer.from("tail") }), "data follows its end"],
  [
    "bytes before its directory",
    () => rawZip([good], { beforeDirectory: Buffer.alloc(9) }),
    "belong to no entry",
  ],
  [
    "a hidden entry between two",
    () => rawZip([{ ...good, after: localHeader({ name: "hidden.ts" }) }, { name: "b.ts" }]),
    "belong to no entry",
  ],
  ["an entry that is not there", () => rawZip([good, { name: "b", unwritten: true }]), "no header"],
  ["an offset beyond it", one({ central: { localAt: 99_999 } }), "no header"],
  [
    "data over its directory",
    one({ packedBytes: 500, unpackedBytes: 500 }),
    "reaches over the zip's directory",
  ],
  ["more entries counted", () => rawZip([good], { count: 2 }), "damaged at entry 1"],
  [
    "fewer entries counted",
    () => rawZip([good, { name: "b" }], { count: 1 }),
    "more than it counts",
  ],
  ["a directory elsewhere", () => rawZip([good], { directoryAt: 3 }), "not where its end record"],
  ["no entries", () => Buffer.concat([localHeader({}), rawZip([])]), "end record says"],
  [
    "an end record in the comment",
    () =>
      rawZip([good], {
        comment: endRecord(0, { bytes: 0, at: 0, comment: Buffer.alloc(0), disk: 0 }),
      }),
    "several end records",
  ],
  [
    "a whole zip behind it",
    () => Buffer.concat([rawZip([good]), rawZip([{ name: "other.ts" }])]),
    "not where its end record",
  ],
  ["the same file twice", () => rawZip([good, good]), "twice"],
  [
    "a folder over a file",
    () => rawZip([{ name: "a" }, { name: "a/", content: "" }]),
    "both a file and a folder",
  ],
  ["two entries of the same data", sharedData, "starts inside another"],
  ["an entry that quotes another", quotedEntry, "starts inside another"],
];

/** Two directory entries point at one header: any number of files out of one. */
function sharedData(): Uint8Array {
  const other = { ...good, unwritten: true, central: { localAt: 0 }, name: "index.ts/" };
  const empty = { content: "", packed: new Uint8Array() };
  return rawZip([
    { name: "a/", ...empty },
    { ...other, name: "a/", ...empty },
  ]);
}

/** Fifield's way: the first entry's data is the header of the second, and its data too. */
function quotedEntry(): Uint8Array {
  const inner = Buffer.concat([localHeader({ name: "b.ts", checksum: 0 }), Buffer.alloc(0)]);
  const headBytes = 30 + "a.ts".length;
  return rawZip([
    { name: "a.ts", content: inner },
    { name: "b.ts", content: "", checksum: 0, unwritten: true, central: { localAt: headBytes } },
  ]);
}

/** Zips. */
export const hostileZips: readonly HostileArchive[] = [
  ...hostileNames.map(({ what, name, word }): Row => [what, () => rawZip([good, { name }]), word]),
  ...collidingNames.map(
    ({ what, names, word }): Row => [
      `a collision by ${what}`,
      () => rawZip(names.map((name) => ({ name }))),
      word,
    ],
  ),
  ...kinds,
  ...features,
  ...headers,
  ...layouts,
].map(([what, zip, word]) => ({
  what: `zip with ${what}`,
  upload: () => ({ kind: "archive", bytes: zip() }),
  code: "bundle_invalid",
  word,
}));
