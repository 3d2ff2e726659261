import { expect, test } from "bun:test";
import { deflateRawSync, gzipSync } from "node:zlib";
import { defaultBundleLimits } from "../../archive/bundle-limits.ts";
import {
  gnuLongName,
  paxHeader,
  paxRecord,
  rawGzip,
  rawTar,
} from "../../archive/raw-tar.harness.ts";
import { descriptor, extraField, rawZip } from "../../archive/raw-zip.harness.ts";
import { readUpload } from "./read-upload.ts";

async function pathsOf(bytes: Uint8Array): Promise<readonly string[]> {
  const files = await readUpload({ kind: "archive", bytes }, defaultBundleLimits);
  return [...files].map(([path, content]) => `${path}: ${Buffer.from(content).toString()}`);
}

const long = `${"folder/".repeat(30)}a.ts`;
const attributes = paxRecord("SCHILY.xattr.user.x", Buffer.of(0xff, 0, 0x0a, 0x3d));

const tars = {
  "of ustar": rawTar({ name: "a.ts" }),
  "with a ustar prefix": rawTar({ prefix: "src/lib", name: "a.ts" }),
  "of npm, with two times behind the place of the prefix": rawTar({
    prefix: `${"\0".repeat(131)}14526766567\x0014526766567\0`,
    name: "a.ts",
  }),
  "with a ustar prefix and two times behind it": rawTar({
    prefix: `src/lib${"\0".repeat(124)}14526766567 14526766567 `,
    name: "a.ts",
  }),
  "of GNU's kind": rawTar({ name: "a.ts", magic: "ustar  \0", prefix: "times" }),
  "with a GNU long name": rawTar(gnuLongName(long), { name: long }),
  "with a pax path": rawTar(paxHeader(paxRecord("path", long)), { name: "cut" }),
  "with pax times and attributes": rawTar(
    paxHeader(Buffer.concat([paxRecord("mtime", "1.5"), attributes])),
    { name: "a.ts" },
  ),
  "of git, with a global comment": rawTar(
    paxHeader(paxRecord("comment", "c0ffee"), "g"),
    { name: "lib/", type: "5" },
    { name: "a.ts" },
  ),
  "padded to ten kibibytes": Buffer.concat([rawTar({ name: "a.ts" }), Buffer.alloc(9 * 1024)]),
  "with a NUL as its kind": rawTar({ name: "a.ts", type: "\0", body: "x" }),
};

for (const [what, tar] of Object.entries(tars)) {
  test(`a tar ${what} is read, plain and gzipped`, async () => {
    const path = what.startsWith("with a ustar prefix")
      ? "src/lib/a.ts"
      : tar.includes("folder/")
        ? long
        : "a.ts";
    expect(await pathsOf(tar)).toEqual([`${path}: x`]);
    expect(await pathsOf(rawGzip(tar))).toEqual([`${path}: x`]);
    expect(await pathsOf(gzipSync(tar))).toEqual([`${path}: x`]);
  });
}

test("a gzip with an extra field, a name, a comment and a CRC of its head is read", async () => {
  const fields = Buffer.from("\x02\0\x08\x08a.tar\0comment\0\x01\x02", "latin1");
  expect(await pathsOf(rawGzip(rawTar({ name: "a.ts" }), { flags: 0x1e, fields }))).toEqual([
    "a.ts: x",
  ]);
});

const a = { name: "a.ts", content: "hello hello hello" };
const unknown = { checksum: 0, packedBytes: 0, unpackedBytes: 0 };
const deflatedBytes = deflateRawSync(a.content, { level: 1 }).length;

const zips = {
  stored: rawZip([a]),
  deflated: rawZip([{ ...a, method: 8 }]),
  "with a signed descriptor": rawZip([
    {
      ...a,
      method: 8,
      flags: 8,
      local: unknown,
      after: descriptor(a.content, { signed: true, packedBytes: deflatedBytes }),
    },
  ]),
  "with a bare descriptor": rawZip([
    { ...a, flags: 8, local: unknown, after: descriptor(a.content, { signed: false }) },
  ]),
  "with times and owners": rawZip([
    { ...a, extra: extraField(0x5455, Buffer.alloc(5)), local: { extra: Buffer.alloc(3) } },
  ]),
  "with the same name as its Unicode path": rawZip([
    { ...a, extra: extraField(0x7075, Buffer.from("\x01\0\0\0\0a.ts", "latin1")) },
  ]),
  "with a comment": rawZip([a], { comment: Buffer.from("made by hand") }),
  "with folders": rawZip([{ name: "lib/", content: "", mode: 0o042_755 }, a]),
  "with a folder that is deflated": rawZip([{ name: "lib/", content: "", method: 8 }, a]),
  "with other flags of effort in one header": rawZip([
    { ...a, method: 8, flags: 2, local: { flags: 4 } },
  ]),
};

for (const [what, zip] of Object.entries(zips)) {
  test(`a zip ${what} is read`, async () => {
    expect(await pathsOf(zip)).toEqual(["a.ts: hello hello hello"]);
  });
}

test("a zip that holds a stored zip at its end is read", async () => {
  const inner = rawZip([{ name: "inner.ts" }]);
  const outer = rawZip([{ name: "inner.zip", content: inner }]);
  const files = await readUpload({ kind: "archive", bytes: outer }, defaultBundleLimits);
  expect(Buffer.from(files.get("inner.zip") ?? "").equals(inner)).toBe(true);
});

test("exactly as many entries, levels and bytes of a path as allowed are read", async () => {
  const names = Array.from({ length: 20_000 }, (_, index) => `f${index}`);
  expect(await pathsOf(rawZip(names.map((name) => ({ name, content: "" }))))).toHaveLength(20_000);
  const deep = Array(32).fill("a").join("/");
  const wide = "é".repeat(256);
  expect(await pathsOf(rawZip([{ name: deep }, { name: wide }]))).toEqual([
    `${deep}: x`,
    `${wide}: x`,
  ]);
});

test("names that only look alike, and special names of a script, are read", async () => {
  const names = ["__proto__", "constructor", "nul-safe.ts", "console.ts", "\u0430.ts", "a.ts"];
  expect(await pathsOf(rawZip(names.map((name) => ({ name }))))).toEqual(
    names.map((name) => `${name}: x`),
  );
});
