import { randomBytes } from "node:crypto";
import { deflateRawSync } from "node:zlib";
import type { Upload } from "../control-plane.ts";
import type { HostileArchive } from "./hostile-archive.harness.ts";
import { collidingNames, hostileNames } from "./hostile-names.harness.ts";
import { hostileTars } from "./hostile-tars.harness.ts";
import { hostileZips } from "./hostile-zips.harness.ts";
import { rawGzip, rawTar, tarEntry } from "../../archive/raw-tar.harness.ts";
import { rawZip } from "../../archive/raw-zip.harness.ts";
import { zeroBomb } from "./zero-bomb.harness.ts";

const mebibyte = 1_048_576;

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `f${index}`);
}

/** 700 files 31 folders deep, each with folders of its own: 22,400 files and folders in 700 entries. */
function deepNames(): string[] {
  const below = Array(30).fill("d").join("/");
  return numbered(700).map((name) => `${name}/${below}/a.ts`);
}

/** 251 MiB of zeros behind enough noise that their ratio is below 100. */
function largeTar(): Uint8Array {
  const noise = tarEntry({ name: "noise.bin", body: randomBytes(3 * mebibyte) });
  const zeros = tarEntry({ name: "zeros.bin", body: Buffer.alloc(251 * mebibyte) });
  return rawGzip(rawTar(noise, zeros));
}

/** An entry that promises 251 MiB, with packed bytes enough that the ratio is below 100. */
function largeZip(): Uint8Array {
  const packed = Buffer.alloc(3 * mebibyte);
  return rawZip([{ name: "large.bin", method: 8, packed, unpackedBytes: 251 * mebibyte }]);
}

const files = (names: readonly string[]): Upload => ({
  kind: "files",
  files: new Map(names.map((name) => [name, Buffer.from("x")])),
});
const archive = (bytes: Uint8Array): Upload => ({ kind: "archive", bytes });

const tooMany = "20000 files and folders";
const overBounds: readonly (readonly [what: string, upload: () => Upload, word: string])[] = [
  [
    "tar.gz with 100,000 entries",
    () => archive(rawGzip(rawTar(...numbered(100_000).map((name) => ({ name, body: "" }))))),
    `${tooMany}, reached at "f20000"`,
  ],
  [
    "zip with 100,000 entries",
    () => archive(rawZip(numbered(100_000).map((name) => ({ name, content: "" })))),
    `${tooMany}, reached at "f20000"`,
  ],
  ["files, 20,001 of them", () => files(numbered(20_001)), `${tooMany}, reached at "f20000"`],
  [
    "tar.gz with 22,400 folders that only paths name",
    () => archive(rawGzip(rawTar(...deepNames().map((name) => ({ name }))))),
    tooMany,
  ],
  [
    "zip with 22,400 folders that only paths name",
    () => archive(rawZip(deepNames().map((name) => ({ name })))),
    tooMany,
  ],
  ["files with 22,400 folders that only paths name", () => files(deepNames()), tooMany],
  ["tar.gz of 16 MiB of zeros", () => archive(zeroBomb("tar.gz", 16 * mebibyte)), "100 times"],
  ["zip of 16 MiB of zeros", () => archive(zeroBomb("zip", 16 * mebibyte)), "100 times"],
  [
    "tar.gz of 16 MiB of zeros behind its end",
    () => archive(rawGzip(Buffer.concat([rawTar({}), Buffer.alloc(16 * mebibyte)]))),
    "100 times",
  ],
  ["tar.gz of 254 MiB", () => archive(largeTar()), '262144000 bytes, reached at "zeros.bin"'],
  ["zip of 251 MiB", () => archive(largeZip()), '262144000 bytes, reached at "large.bin"'],
];

const fileRows: readonly HostileArchive[] = [
  ...hostileNames.flatMap(({ what, name, word }) =>
    typeof name === "string" ? [{ what, names: [name], word }] : [],
  ),
  { what: "a lone surrogate", names: ["a\ud800.ts"], word: "UTF-8" },
  { what: "a name of a folder", names: ["a/"], word: "names no file" },
  ...collidingNames.map(({ what, names, word }) => ({
    what: `a collision by ${what}`,
    names,
    word,
  })),
].map(({ what, names, word }) => ({
  what: `files with ${what}`,
  upload: () => files(names),
  code: "bundle_invalid",
  word,
}));

const noArchives: readonly HostileArchive[] = [
  { what: "no bytes", bytes: () => new Uint8Array(0), word: "empty" },
  { what: "text", bytes: () => Buffer.from("hello"), word: "neither a zip nor" },
  { what: "zeros", bytes: () => Buffer.alloc(2048), word: "neither a zip nor" },
  { what: "a zlib stream", bytes: () => deflateRawSync("x"), word: "neither a zip nor" },
  { what: "bytes before a zip", bytes: () => prepended(rawZip([{}])), word: "neither a zip nor" },
  { what: "a zip's first bytes", bytes: () => rawZip([{}]).subarray(0, 2), word: "no directory" },
  { what: "an empty zip", bytes: () => rawZip([]), word: "holds no files" },
  {
    what: "a gzip's first bytes",
    bytes: () => rawGzip(rawTar({})).subarray(0, 2),
    word: "cut short",
  },
].map(({ what, bytes, word }) => ({
  what: `an upload of ${what}`,
  upload: () => archive(bytes()),
  code: "bundle_invalid",
  word,
}));

function prepended(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from("#!/bin/sh\n"), bytes]);
}

/** Every upload that must be refused; built when asked for. */
export const hostileArchives: readonly HostileArchive[] = [
  ...hostileZips,
  ...hostileTars,
  ...fileRows,
  ...noArchives,
  ...overBounds.map(
    ([what, upload, word]): HostileArchive => ({
      what,
      upload,
      code: "bundle_too_large",
      word,
    }),
  ),
];
