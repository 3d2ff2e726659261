import { beforeAll, describe, expect, test } from "bun:test";
import { sha256Hex } from "../../base/digest.ts";
import { createSeededRandom } from "../../base/random.ts";
import { BackupFault } from "./backup-fault.ts";
import {
  type BackupManifest,
  blobPath,
  dumpPath,
  manifestBytesMax,
  parseManifest,
  writeManifest,
} from "./backup-manifest.ts";
import { createRecipient, unwrapKey, wrapKey } from "./key-wrap.ts";
import { manifestSum } from "./manifest-sum.ts";
import { readBackup } from "./read-backup.ts";
import { tarEnd, tarHeader, tarPaddingBytes } from "./tar-block.ts";
import { archiveBytes, writeArchive } from "./write-archive.ts";

const random = createSeededRandom(3);
const key = { id: "key_1", bytes: Buffer.alloc(32, 7) };
const backupId = `bkp_${"0".repeat(26)}`;
const contents = [
  Buffer.alloc(5000, "store "),
  ...["one", "two", "", "x".repeat(512)].map((text) => Buffer.from(text)),
];
let manifest: BackupManifest;
let archive: Buffer;

async function* once(bytes: Uint8Array, size = bytes.length): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function pack(of: BackupManifest): Promise<Buffer> {
  const byDigest = new Map(contents.map((content) => [sha256Hex(content), content]));
  const open = async ({ sha256 }: { sha256: string }) => once(byDigest.get(sha256) ?? Buffer.of());
  return Buffer.concat(await Array.fromAsync(writeArchive(of, writeManifest(of), open)));
}

beforeAll(async () => {
  const recipient = await createRecipient("correct horse battery", random);
  const [store = Buffer.of(), ...blobs] = contents;
  const entry = (path: string, content: Buffer) => ({
    path,
    bytes: content.length,
    sha256: sha256Hex(content),
  });
  manifest = {
    id: backupId,
    serverVersion: "0.1.0",
    createdAtMs: 1_700_000_000_000,
    storeFormat: 1,
    dataKey: { id: key.id, wrapped: wrapKey({ recipient, key, backupId, random }) },
    secretKeyIds: [key.id],
    damagedBlobs: [],
    databases: { state: "included", postgresMajor: 15 },
    files: [
      entry("reactor.db", store),
      ...blobs
        .map((blob) => entry(blobPath(sha256Hex(blob)), blob))
        .sort((a, b) => (a.path < b.path ? -1 : 1)),
      entry(dumpPath("default"), Buffer.from("one")),
    ],
  };
  archive = await pack(manifest);
});

/** Why the bytes are refused. */
async function faultOf(bytes: Uint8Array): Promise<string> {
  try {
    await readBackup(once(bytes));
  } catch (error) {
    if (error instanceof BackupFault) return error.message;
    throw error;
  }
  return "none";
}

function manifestJson(): Record<string, unknown> {
  return JSON.parse(Buffer.from(writeManifest(manifest)).toString()) as Record<string, unknown>;
}

/** An archive whose manifest says what `change` makes of it, with the right digest beside it. */
function withManifest(change: (json: Record<string, unknown>) => unknown): Promise<string> {
  const json = manifestJson();
  change(json);
  const text = Buffer.from(JSON.stringify(json));
  const parts = [
    { path: "backup.json", content: text },
    { path: "backup.json.sha256", content: Buffer.from(manifestSum(text)) },
  ].flatMap(({ path, content }) => [
    tarHeader({ path, bytes: content.length, modifiedAtMs: manifest.createdAtMs }),
    content,
    new Uint8Array(tarPaddingBytes(content.length)),
  ]);
  return faultOf(Buffer.concat([...parts, tarEnd]));
}

describe("a backup", () => {
  test("comes back as it was written, whatever the size of the pieces", async () => {
    expect(archive.length).toBe(archiveBytes(manifest, writeManifest(manifest)));
    for (const size of [1, 511, 512, 513, archive.length]) {
      const files: string[] = [];
      const read = await readBackup(once(archive, size), {
        async onFile({ path }, pieces) {
          files.push(path, sha256Hex(Buffer.concat(await Array.fromAsync(pieces))));
        },
      });
      expect(read).toEqual(manifest);
      expect(files).toEqual(manifest.files.flatMap(({ path, sha256 }) => [path, sha256]));
    }
  });

  test("with one bit flipped at any of 2,000 seeded places is refused", async () => {
    const seeded = createSeededRandom(11);
    for (let i = 0; i < 2000; i++) {
      const at = seeded.uint32() % archive.length;
      const changed = Buffer.from(archive);
      changed[at] = (changed[at] ?? 0) ^ (1 << (seeded.uint32() % 8));
      expect({ at, found: (await faultOf(changed)) !== "none" }).toEqual({ at, found: true });
    }
  });

  test("cut off anywhere is refused and says where", async () => {
    const seeded = createSeededRandom(12);
    for (let i = 0; i < 300; i++) {
      const bytes = i < 4 ? archive.length - 1 - i * 400 : seeded.uint32() % archive.length;
      const fault = await faultOf(archive.subarray(0, bytes));
      expect({ bytes, fault }).toEqual({ bytes, fault: expect.stringContaining(`byte ${bytes}`) });
    }
  });

  test("names the file that is damaged, missing or too much", async () => {
    const at = archive.indexOf("store store");
    const flipped = Buffer.from(archive);
    flipped[at] = 1;
    expect(await faultOf(flipped)).toContain("reactor.db is damaged");
    const last = manifest.files.at(-1)?.path ?? "";
    const header = archive.indexOf(`${last}\0`);
    const without = Buffer.concat([archive.subarray(0, header), tarEnd]);
    expect(await faultOf(without)).toContain(`where the header of ${last}`);
    const body = archive.subarray(0, archive.length - tarEnd.length);
    const extra = tarHeader({ path: "../../etc/cron.d/x", bytes: 0, modifiedAtMs: 0 });
    expect(await faultOf(Buffer.concat([body, extra, tarEnd]))).toContain("../../etc/cron.d/x");
    expect(await faultOf(Buffer.concat([archive, Buffer.of(0)]))).toContain("bytes after its end");
  });

  test("is refused when an entry's header is another one: link, device, traversal, duplicate, sparse size", async () => {
    const first = archive.indexOf("reactor.db\0");
    const hostile = (change: (header: Buffer) => void): Promise<string> => {
      const changed = Buffer.from(archive);
      change(changed.subarray(first, first + 512));
      return faultOf(changed);
    };
    for (const type of ["1", "2", "3", "5", "x", "L", "S", "\0"]) {
      expect(await hostile((header) => void header.write(type, 156, "latin1"))).toContain("type");
    }
    expect(await hostile((header) => void header.write("../../evil\0", 0))).toContain("../../evil");
    expect(await hostile((header) => void header.write("/etc/passwd", 157))).not.toBe("none");
    expect(await hostile((header) => void header.write("77777777777", 124))).not.toBe("none");
    expect(await hostile((header) => void header.write("04777", 102))).not.toBe("none");
  });

  test("is refused when its manifest names a file twice, out of order, or by a path of its own", async () => {
    const files = (change: (list: { path: string; sha256: string }[]) => void) =>
      withManifest((json) => change(json["files"] as { path: string; sha256: string }[]));
    expect(await files((list) => list.push(list.at(-1) as never))).toContain("there twice");
    expect(await files((list) => list.splice(1, 2, list[2] as never, list[1] as never))).toContain(
      "out of order",
    );
    for (const path of [
      "../evil",
      "/etc/passwd",
      "blobs/../../x",
      `blobs/${"A".repeat(64)}`,
      "x",
    ]) {
      expect(await files((list) => void Object.assign(list[1] ?? {}, { path }))).toContain(
        "`path`",
      );
    }
    expect(
      await files((list) => void Object.assign(list[1] ?? {}, { sha256: "0".repeat(64) })),
    ).toContain("named by its digest");
    expect(await files((list) => void list.shift())).toContain("must start with reactor.db");
    expect(await files((list) => void Object.assign(list[0] ?? {}, { bytes: -1 }))).toContain(
      "`bytes`",
    );
    expect(await withManifest((json) => (json["extra"] = 1))).toContain("its keys must be");
    expect(
      await withManifest(
        (json) => ((json["data_key"] as { wrapped: { n: number } }).wrapped.n = 2 ** 40),
      ),
    ).toContain("scrypt cost");
  });

  test("of a newer format is refused by name", async () => {
    const fault = await withManifest((json) => (json["format"] = 3));
    expect(fault).toContain("format 3");
    expect(fault).toContain("reads formats up to 2");
  });

  test("of format 1, which knew no databases, is read as one without them", () => {
    const json = manifestJson();
    const { databases, ...rest } = json;
    expect(databases).toEqual({ state: "included", postgres_major: 15 });
    const files = (rest["files"] as unknown[]).slice(0, -1);
    const old = { ...rest, format: 1, files };
    const parsed = parseManifest(Buffer.from(JSON.stringify(old)));
    expect(parsed.databases).toEqual({ state: "left_out", postgresMajor: undefined });
    const withDump = { ...rest, format: 1 };
    expect(() => parseManifest(Buffer.from(JSON.stringify(withDump)))).toThrow("must be a blob");
    expect(() => parseManifest(Buffer.from(JSON.stringify({ ...json, format: 1 })))).toThrow(
      "its keys must be",
    );
  });

  test("is refused when what it says of its databases is none of the possible", async () => {
    for (const databases of [
      null,
      {},
      { state: "elsewhere", postgres_major: null },
      { state: "included", postgres_major: "15" },
      { state: "included", postgres_major: 15, more: 1 },
    ]) {
      expect(await withManifest((json) => (json["databases"] = databases))).toContain("databases");
    }
    // None can be in a backup that says that it has none.
    const outside = { state: "external", postgres_major: null };
    expect(await withManifest((json) => (json["databases"] = outside))).toContain("must be a blob");
    for (const path of ["databases/../x.dump", "databases/A.dump", "databases/a/b.dump"]) {
      const named = (json: Record<string, unknown>) =>
        Object.assign((json["files"] as object[]).at(-1) ?? {}, { path });
      expect(await withManifest(named)).toContain("`path`");
    }
  });

  test("whose manifest claims a huge size is refused before it is read", async () => {
    const header = tarHeader({ path: "backup.json", bytes: manifestBytesMax + 1, modifiedAtMs: 0 });
    let pulled = 0;
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      yield header;
      for (;;) {
        pulled += 1;
        yield new Uint8Array(65_536);
      }
    };
    const fault = await readBackup(endless()).catch((error: unknown) => String(error));
    expect(fault).toContain(`at most ${manifestBytesMax}`);
    expect(pulled).toBe(0);
  });

  test("that is no backup at all is told so", async () => {
    expect(await faultOf(Buffer.from("hello"))).toContain("cut off at byte 5");
    expect(await faultOf(Buffer.alloc(10_000, "a"))).toContain("This is no backup of Reactor");
    expect(await faultOf(Buffer.alloc(0))).toContain("cut off at byte 0");
  });
});

describe("a data key wrapped for a passphrase", () => {
  test("opens with the passphrase and with no other, for no other backup or key", async () => {
    const { wrapped } = manifest.dataKey;
    if (wrapped === undefined) throw new Error("the test's backup has a wrapped key");
    const open = { wrapped, passphrase: "correct horse battery", backupId, keyId: key.id };
    expect(Buffer.from(await unwrapKey(open)).equals(key.bytes)).toBe(true);
    const others = [
      { passphrase: "correct horse batterz" },
      { backupId: `bkp_${"1".repeat(26)}` },
      { keyId: "key_2" },
      { wrapped: { ...wrapped, sealed: `A${wrapped.sealed.slice(1)}` } },
      { wrapped: { ...wrapped, ephemeral_key: wrapped.public_key } },
    ];
    for (const other of others) {
      const opening = unwrapKey({ ...open, ...other }).catch((error: unknown) => error);
      expect(await opening).toBeInstanceOf(BackupFault);
    }
    expect(JSON.stringify(wrapped)).not.toContain(key.bytes.toString("base64url").slice(0, 16));
  });

  test("is refused for a public key of low order, which would make the wrapping worth nothing", async () => {
    const recipient = { ...(await createRecipient("another passphrase", random)) };
    const zero = { ...recipient, public_key: Buffer.alloc(32).toString("base64url") };
    expect(() => wrapKey({ recipient: zero, key, backupId, random })).toThrow(BackupFault);
  });
});
