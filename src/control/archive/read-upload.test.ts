import { expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { zipSync, type Zippable } from "fflate";
import { packTar, type TarHeader } from "modern-tar";
import { thrown } from "../testing/refusal.ts";
import { refusal } from "../testing/refusal.ts";
import {
  type BundleLimits,
  createUnpackMeter,
  defaultBundleLimits,
} from "../../archive/bundle-limits.ts";
import { canonicalTar } from "./canonical-tar.ts";
import { readUpload } from "./read-upload.ts";

const text = (content: string) => Buffer.from(content);
const mtime = new Date(1_700_000_000_000);

function read(bytes: Uint8Array, limits: Partial<BundleLimits> = {}) {
  return readUpload({ kind: "archive", bytes }, { ...defaultBundleLimits, ...limits });
}

async function tar(...headers: readonly (Partial<TarHeader> & { name: string; body?: string })[]) {
  return packTar(
    headers.map(({ body = "x", ...header }) => ({
      header: { mtime, size: Buffer.byteLength(body), type: "file" as const, ...header },
      body,
    })),
  );
}

function zip(files: Zippable): Buffer {
  return Buffer.from(zipSync(files, { mtime }));
}

/** Overwrites bytes of a copy at an offset from the first occurrence of a signature. */
function patched(
  archive: Buffer,
  signature: number,
  offset: number,
  bytes: readonly number[],
): Buffer {
  const copy = Buffer.from(archive);
  const mark = Buffer.alloc(4);
  mark.writeUInt32LE(signature);
  copy.set(bytes, copy.indexOf(mark) + offset);
  return copy;
}

const central = 0x02014b50;
const local = 0x04034b50;
const end = 0x06054b50;

test("a zip, a tar.gz and a tar of the same files read the same, folders left out", async () => {
  const files = {
    "index.ts": text("code"),
    "lib/a.ts": text("a".repeat(5000)),
    "lib/empty.txt": text(""),
  };
  const plain = await tar(
    { name: "lib/", type: "directory", body: "" },
    ...Object.entries(files).map(([name, body]) => ({ name, body: body.toString() })),
  );
  for (const archive of [zip({ ...files, "lib/": text("") }), gzipSync(plain), plain]) {
    const found = await read(archive);
    expect(
      Object.fromEntries([...found].map(([path, body]) => [path, Buffer.from(body).toString()])),
    ).toEqual(
      Object.fromEntries(Object.entries(files).map(([path, body]) => [path, body.toString()])),
    );
  }
});

test("stored zip entries and names with a leading ./ read as well", async () => {
  const stored = await read(zip({ "a.ts": [text("abc"), { level: 0 }] }));
  expect(Buffer.from(stored.get("a.ts") ?? "").toString()).toBe("abc");
  const dotted = await read(
    await tar({ name: "./", type: "directory", body: "" }, { name: "./src/a.ts" }),
  );
  expect([...dotted.keys()]).toEqual(["src/a.ts"]);
});

const hostileNames = {
  absolute: "/etc/passwd",
  "out of the root": "../up.ts",
  "out of the root inside": "a/../../up.ts",
  "with a backslash": "a\\..\\b.ts",
  "with a drive letter": "C:/a.ts",
  "with a newline": "a\nb.ts",
  "with an empty segment": "a//b.ts",
  "too deep": `${"a/".repeat(40)}b.ts`,
  "too long": `${"a".repeat(520)}.ts`,
};

for (const [what, name] of Object.entries(hostileNames)) {
  test(`a path ${what} is refused in zip, tar and files`, async () => {
    const pax = { path: name };
    const refusals = await Promise.all([
      refusal(read(zip({ [name]: text("x") }))),
      refusal(tar({ name: name.slice(0, 90), pax }).then((archive) => read(gzipSync(archive)))),
      refusal(
        readUpload({ kind: "files", files: new Map([[name, text("x")]]) }, defaultBundleLimits),
      ),
    ]);
    expect(refusals.map(({ code }) => code)).toEqual(Array(3).fill("bundle_invalid"));
  });
}

test("a NUL in a path is refused", async () => {
  const files = new Map([["a\0.ts", text("x")]]);
  expect(
    (await refusal(readUpload({ kind: "files", files }, defaultBundleLimits))).message,
  ).toContain("NUL");
  expect((await refusal(read(zip({ "a\0.ts": text("x") })))).message).toContain("NUL");
});

for (const type of ["symlink", "link", "character-device", "block-device", "fifo"] as const) {
  test(`a tar with a ${type} is refused`, async () => {
    const archive = await tar(
      { name: "index.ts" },
      { name: "evil", type, linkname: "/etc/passwd", body: "" },
    );
    expect((await refusal(read(archive))).message).toContain(`is a ${type}`);
  });
}

test("a zip with a link, a device or a setuid file is refused; a folder's setgid bit is ignored", async () => {
  const withMode = (mode: number, name = "evil") =>
    read(
      zip({
        "index.ts": text("x"),
        [name]: [text(name.endsWith("/") ? "" : "target"), { os: 3, attrs: mode * 65_536 }],
      }),
    );
  expect((await refusal(withMode(0o120_777))).message).toContain("a link or a device");
  expect((await refusal(withMode(0o020_644))).message).toContain("a link or a device");
  expect((await refusal(withMode(0o104_755))).message).toContain("setuid");
  expect((await withMode(0o042_755, "dir/")).size).toBe(1);
  expect((await withMode(0o100_644, "plain.ts")).size).toBe(2);
});

test("a setuid file in a tar is refused", async () => {
  const archive = await tar({ name: "a.ts", mode: 0o4755 });
  expect((await refusal(read(archive))).message).toContain("setuid");
});

test("names that differ only in case or Unicode form, or twice the same, are refused", async () => {
  const pairs = [
    ["a.ts", "A.ts"],
    ["caf\u00e9.ts", "cafe\u0301.ts"],
    ["Src/a.ts", "src/b.ts"],
    ["a", "a/b.ts"],
  ];
  for (const names of pairs) {
    const files = Object.fromEntries(names.map((name) => [name, text("x")]));
    expect((await refusal(read(zip(files)))).code).toBe("bundle_invalid");
    const archive = await tar(...names.map((name) => ({ name })));
    expect((await refusal(read(archive))).code).toBe("bundle_invalid");
  }
  const twice = await tar({ name: "a.ts" }, { name: "a.ts" });
  expect((await refusal(read(twice))).message).toContain("twice");
});

test("too many entries are refused, folders counted", async () => {
  const archive = await tar(
    { name: "a/", type: "directory", body: "" },
    { name: "b.ts" },
    { name: "c.ts" },
  );
  expect((await read(archive, { entriesMax: 3 })).size).toBe(2);
  expect((await refusal(read(archive, { entriesMax: 2 }))).code).toBe("bundle_too_large");
  const zipped = zip({ "a.ts": text("1"), "b.ts": text("2"), "c.ts": text("3") });
  expect((await refusal(read(zipped, { entriesMax: 2 }))).code).toBe("bundle_too_large");
});

test("an archive over the packed or unpacked bound is refused", async () => {
  const archive = await tar({ name: "a.ts", body: "a".repeat(20_000) });
  const packed = await refusal(read(archive, { packedBytesMax: 10_000 }));
  expect(packed.message).toContain("bundle_max_bytes");
  for (const bytes of [gzipSync(archive), zip({ "a.ts": text("a".repeat(20_000)) })]) {
    expect((await refusal(read(bytes, { unpackedBytesMax: 10_000 }))).code).toBe(
      "bundle_too_large",
    );
  }
  const files = new Map([["a.ts", text("a".repeat(20_000))]]);
  const limits = { ...defaultBundleLimits, packedBytesMax: 10_000 };
  expect((await refusal(readUpload({ kind: "files", files }, limits))).code).toBe(
    "bundle_too_large",
  );
});

test("a bomb is refused by its ratio long before it is unpacked, in zip and tar.gz", async () => {
  const zeros = Buffer.alloc(64 * 1_048_576);
  const bombs = [
    zip({ "zeros.bin": zeros }),
    gzipSync(await packTar([{ header: { name: "z", size: zeros.length, mtime }, body: zeros }])),
  ];
  for (const bomb of bombs) {
    expect(bomb.length).toBeLessThan(200_000);
    expect((await refusal(read(bomb))).message).toContain("more than 100 times");
  }
});

test("a ratio over 100 is fine below a mebibyte", () => {
  const meter = createUnpackMeter(10, defaultBundleLimits);
  meter.addBytes(1_048_576);
  expect(thrown(() => meter.addBytes(1)).code).toBe("bundle_too_large");
});

test("a zip entry that inflates to more or less than it says is refused", async () => {
  const archive = zip({ "a.ts": text("a".repeat(1000)) });
  const claiming = (size: readonly number[]) =>
    patched(patched(archive, central, 24, size), local, 22, size);
  const shorter = claiming([10, 0, 0, 0]);
  expect((await refusal(read(shorter))).message).toContain("more than the 10 bytes");
  const longer = claiming([0, 8, 0, 0]);
  expect((await refusal(read(longer))).message).toContain("1000 bytes");
});

test("a zip with flipped content, another local name or a moved directory is refused", async () => {
  const archive = zip({ "a.ts": [text("hello world"), { level: 0 }] });
  const flipped = patched(archive, local, 30 + 4, [0x48]);
  expect((await refusal(read(flipped))).message).toContain("checksum");
  expect((await refusal(read(patched(archive, local, 30, [0x62])))).message).toContain(
    "another name",
  );
  expect((await refusal(read(patched(archive, end, 16, [0, 0])))).code).toBe("bundle_invalid");
  expect((await refusal(read(patched(archive, central, 42, [7, 0])))).message).toContain(
    "no header",
  );
  expect((await refusal(read(patched(archive, end, 10, [9, 0])))).code).toBe("bundle_invalid");
});

test("encrypted, zip64 and oddly compressed zips are refused by name", async () => {
  const archive = zip({ "a.ts": text("hello") });
  expect((await refusal(read(patched(archive, central, 8, [1, 0])))).message).toContain(
    "encrypted",
  );
  expect((await refusal(read(patched(archive, central, 10, [14, 0])))).message).toContain(
    "method 14",
  );
  const wide = patched(archive, central, 24, [255, 255, 255, 255]);
  expect((await refusal(read(wide))).message).toContain("zip64");
});

test("zip entries whose packed bytes overlap are refused", async () => {
  const stored = (fill: number) => [Buffer.alloc(5000, fill), { level: 0 }] as const;
  const archive = zip({ "a.bin": [...stored(1)], "b.bin": [...stored(2)] });
  // The first entry now claims to reach over the second one as well.
  const size = [0x20, 0x27, 0, 0];
  const sizes = [
    [central, 20],
    [central, 24],
    [local, 18],
    [local, 22],
  ] as const;
  const overlapping = sizes.reduce(
    (bytes, [signature, offset]) => patched(bytes, signature, offset, size),
    archive,
  );
  expect((await refusal(read(overlapping))).message).toContain("overlap");
});

test("archives cut at any point are refused and never hang", async () => {
  const archives = [
    zip({ "a.ts": text("a".repeat(300)), "b.ts": text("b") }),
    gzipSync(await tar({ name: "a.ts", body: "a".repeat(3000) }, { name: "b.ts" })),
    Buffer.from(await tar({ name: "a.ts", body: "a".repeat(700) })),
  ];
  for (const archive of archives) {
    for (let size = 0; size < archive.length; size += 37) {
      const refused = await refusal(read(archive.subarray(0, size)));
      expect(refused.code).toBe("bundle_invalid");
    }
  }
});

test("a tar with a flipped header is refused", async () => {
  const archive = Buffer.from(await tar({ name: "a.ts" }));
  archive[3] = 0x7a;
  expect((await refusal(read(archive))).message).toContain("damaged");
});

test("bytes that are no archive are refused with what is accepted", async () => {
  for (const bytes of [text("hello"), Buffer.alloc(2000), new Uint8Array()]) {
    expect((await refusal(read(bytes))).message).toContain("tar.gz");
  }
});

test("the canonical tar is the same for the same files in any order, and reads back", async () => {
  const names = ["b.ts", "a.ts", "é/ü.ts", `${"deep/".repeat(30)}${"n".repeat(120)}.ts`];
  const files = names.map((name) => [name, text(name)] as const);
  const one = await canonicalTar(new Map(files));
  const other = await canonicalTar(new Map(files.toReversed()));
  expect(Buffer.compare(one, other)).toBe(0);
  const found = await read(one);
  expect([...found.keys()].sort()).toEqual(names.toSorted());
  for (const name of names) expect(Buffer.from(found.get(name) ?? "").toString()).toBe(name);
});
