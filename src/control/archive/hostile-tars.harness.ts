import { collidingNames, hostileNames } from "./hostile-names.harness.ts";
import type { HostileArchive } from "./hostile-archive.harness.ts";
import {
  gnuLongName,
  paxHeader,
  paxRecord,
  rawGzip,
  rawTar,
  tarEnd,
  tarEntry,
} from "../../archive/raw-tar.harness.ts";

type Row = readonly [what: string, tar: () => Uint8Array, word: string];

const good = tarEntry({ name: "index.ts" });

function named(name: string | Uint8Array): Uint8Array[] {
  const entry = tarEntry({ name: "innocent.ts" });
  return [paxHeader(paxRecord("path", name)), entry];
}

const kinds: readonly Row[] = [
  ["1", "link"],
  ["2", "symlink"],
  ["3", "character-device"],
  ["4", "block-device"],
  ["6", "fifo"],
  ["7", "contiguous-file"],
  ["K", "GNU long link"],
  ["S", "sparse"],
  ["M", "multi-volume"],
  ["D", "dump"],
  ["V", "volume label"],
  ["A", "access control"],
  ["X", "old kind"],
  ["Z", "unknown kind"],
].map(([type = "", word = ""]) => [
  `an entry of kind ${type}`,
  () => rawTar(good, { name: "evil", type, linkname: "/etc/passwd", body: "" }),
  word,
]);

const pax: readonly Row[] = [
  ["a pax size", () => rawTar(paxHeader(paxRecord("size", "0")), good), "its own header 1"],
  ["a pax linkpath", () => rawTar(paxHeader(paxRecord("linkpath", "/etc")), good), '"linkpath"'],
  [
    "a pax charset",
    () => rawTar(paxHeader(paxRecord("hdrcharset", "BINARY")), good),
    '"hdrcharset"',
  ],
  [
    "a pax sparse map",
    () => rawTar(paxHeader(paxRecord("GNU.sparse.major", "1")), good),
    "sparse file",
  ],
  [
    "two pax paths",
    () => rawTar(paxHeader(Buffer.concat([paxRecord("path", "a"), paxRecord("path", "b")])), good),
    "there twice",
  ],
  ["an empty pax path", () => rawTar(paxHeader(paxRecord("path", "")), good), "path is empty"],
  ["a pax record too long", () => rawTar(paxHeader("99 path=a\n"), good), "wrong length"],
  ["a pax record too short", () => rawTar(paxHeader("3 path=a\n"), good), "wrong length"],
  ["a pax record without length", () => rawTar(paxHeader("path=a\n"), good), "wrong length"],
  ["a pax record of length 0", () => rawTar(paxHeader("0 path=a\n"), good), "wrong length"],
  ["a negative pax record", () => rawTar(paxHeader("-9 path=a\n"), good), "wrong length"],
  ["a pax record without =", () => rawTar(paxHeader("8 pathx\n"), good), "no value"],
  ["a pax record without a key", () => rawTar(paxHeader("5 =a\n"), good), "no key"],
  [
    "two pax headers",
    () => rawTar(...named("a").slice(0, 1), ...named("../b")),
    "two extended headers",
  ],
  [
    "a pax header and a GNU name",
    () => rawTar(paxHeader(paxRecord("path", "a")), gnuLongName("../b"), good),
    "two extended headers",
  ],
  ["a pax header at the end", () => rawTar(good, ...named("a").slice(0, 1)), "without its entry"],
  ["a pax header of 70,000 bytes", () => rawTar(paxHeader(Buffer.alloc(70_000)), good), "65536"],
  ["a global path", () => rawTar(paxHeader(paxRecord("path", "a"), "g"), good), "every entry's"],
  [
    "a global size",
    () => rawTar(paxHeader(paxRecord("size", "9"), "g"), good),
    "sets a path or a size",
  ],
  ["a GNU name of the parent", () => rawTar(gnuLongName("../../up.ts"), good), "`..`"],
  ["a GNU name with a NUL inside", () => rawTar(gnuLongName("a\0../b"), good), "NUL inside"],
  ["a GNU name of 70,000 bytes", () => rawTar(gnuLongName("a".repeat(70_000)), good), "65536"],
];

const blocks: readonly Row[] = [
  ["a wrong checksum", () => rawTar(tarEntry({ checksum: "000001\0 " })), "its checksum"],
  ["a header before ustar", () => rawTar(good, { magic: "\0\0\0\0\0\0\0\0" }), "not ustar"],
  ["a size in base 256", () => rawTar({ size: `\x80${"\0".repeat(10)}\x01` }), "not octal"],
  ["a negative size", () => rawTar({ size: "-0000000001\0" }), "not octal"],
  ["a size with junk", () => rawTar({ size: "00000000001x" }), "not octal"],
  ["a size of 8 GiB", () => rawTar({ size: "77777777777\0" }), 'middle of "index.ts"'],
  ["a name hidden behind a NUL", () => rawTar({ name: "a.ts\0../b.ts" }), "NUL inside"],
  ["a prefix hidden behind a NUL", () => rawTar({ prefix: "a\0../b", name: "b.ts" }), "NUL inside"],
  [
    "a prefix with other things than times behind it",
    () => rawTar({ prefix: `${"\0".repeat(131)}14526766567\x001452676656x\0`, name: "b.ts" }),
    "NUL inside",
  ],
  ["a prefix out of the root", () => rawTar({ prefix: "../..", name: "b.ts" }), "`..`"],
  ["a file named as a folder", () => rawTar(good, { name: "a/", body: "x" }), "names no file"],
  ["a folder with content", () => rawTar({ name: "a/", type: "5", body: "x" }), "has content"],
  ["a setuid file", () => rawTar({ mode: "0004755\0" }), "setuid"],
  ["a setgid file", () => rawTar({ mode: "0002755\0" }), "setuid"],
  ["a mode that is no number", () => rawTar({ mode: "rwxr-xr\0" }), "not octal"],
  ["no end", () => good, "before its end"],
  ["one empty block as its end", () => Buffer.concat([good, tarEnd.subarray(512)]), "before its"],
  ["an entry behind one empty block", () => rawTar(tarEnd.subarray(512), good), "empty block"],
  ["an entry behind its end", () => Buffer.concat([rawTar(good), good]), "follows its end"],
  ["no entries", () => tarEnd, "holds no files"],
  ["only folders", () => rawTar({ name: "a/", type: "5" }), "holds no files"],
];

const gzips: readonly Row[] = [
  ["two members", () => Buffer.concat([rawGzip(rawTar(good)), rawGzip(tarEnd)]), "follow its end"],
  ["a member per half", () => Buffer.concat([rawGzip(good), rawGzip(tarEnd)]), "follow its end"],
  [
    "a bomb in a second member",
    () => Buffer.concat([rawGzip(rawTar(good)), rawGzip(Buffer.alloc(8 * 1_048_576))]),
    "follow its end",
  ],
  [
    "a byte behind it",
    () => Buffer.concat([rawGzip(rawTar(good)), Buffer.of(0)]),
    "1 bytes follow",
  ],
  ["a wrong CRC", () => rawGzip(rawTar(good), { checksum: 1 }), "CRC-32"],
  ["a wrong length", () => rawGzip(rawTar(good), { length: 1 }), "says otherwise"],
  ["an unknown method", () => rawGzip(rawTar(good), { method: 7 }), "unknown method"],
  ["unknown flags", () => rawGzip(rawTar(good), { flags: 0x80 }), "unknown flags"],
  [
    "a name that does not end",
    () => Buffer.concat([Buffer.of(0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3), Buffer.alloc(99, 1)]),
    "does not end",
  ],
  [
    "an extra field over its end",
    () => rawGzip(rawTar(good), { flags: 4, fields: Buffer.of(0xff, 0xff) }),
    "cut short",
  ],
  ["data that is no deflate", () => rawGzip(Buffer.alloc(0)).fill(0xff, 10, 12), "damaged"],
];

/** Tars, each plain and gzipped, and what only a gzip can get wrong. */
export const hostileTars: readonly HostileArchive[] = [
  ...hostileNames.map(
    ({ what, name, word }): Row => [
      `${what} in pax`,
      () => rawTar(good, ...named(name)),
      name === "" ? "path is empty" : word,
    ],
  ),
  ...hostileNames
    .filter(({ name }) => Buffer.byteLength(name) <= 100)
    .map(({ what, name, word }): Row => [what, () => rawTar(good, { name, body: "x" }), word]),
  ...collidingNames.map(
    ({ what, names, word }): Row => [
      `a collision by ${what}`,
      () => rawTar(...names.map((name) => ({ name }))),
      word,
    ],
  ),
  ["the same file twice", () => rawTar(good, good), "twice"] as Row,
  [
    "a file over a folder",
    () => rawTar({ name: "a/", type: "5" }, { name: "a" }),
    "both a file and a folder",
  ] as Row,
  ...kinds,
  ...pax,
  ...blocks,
]
  .map(
    ([what, tar, word]): HostileArchive => ({
      what: `tar.gz with ${what}`,
      upload: () => ({ kind: "archive", bytes: rawGzip(tar()) }),
      code: "bundle_invalid",
      word,
    }),
  )
  .concat(
    gzips.map(([what, bytes, word]) => ({
      what: `gzip with ${what}`,
      upload: () => ({ kind: "archive", bytes: bytes() }),
      code: "bundle_invalid",
      word,
    })),
  );
