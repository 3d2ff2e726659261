import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { mkdir, open, opendir, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import { sha256Hex } from "../../base/digest.ts";
import { ReactorError } from "../../domain/errors.ts";
import type { BlobReading, BlobStore, StoredBlob } from "../blob-store.ts";
import { blobFailure, isMissing } from "./blob-failure.ts";
import { createKeyedTurns } from "./keyed-turns.ts";

export interface DirectoryBlobStoreOptions {
  /** Folder of the blobs; made when missing. One server at a time may have it open. */
  readonly path: string;
  readonly clock: Clock;
  /** Nothing is synced: a kill loses nothing, a power cut may. */
  readonly unsynced?: true | undefined;
}

const pieceBytes = 256 * 1024;
const digestPattern = /^[0-9a-f]{64}$/;

/**
 * Opens a blob store in a folder: `<path>/ab/cd/<digest>`. A blob is written to `<path>/tmp`,
 * synced, renamed and its folders synced, so that a crash leaves either the whole blob or none.
 * What a crash left in `tmp` is swept here. A blob's age counts from the last time it was put.
 */
export async function openDirectoryBlobStore(
  options: DirectoryBlobStoreOptions,
): Promise<BlobStore> {
  const root = options.path;
  const { clock, unsynced } = options;
  const syncNames = unsynced ? () => Promise.resolve() : syncFolder;
  const temporary = join(root, "tmp");
  let puts = 0;
  const inTurn = createKeyedTurns();
  await attempt(`open the blob folder ${root}`, async () => {
    await rm(temporary, { recursive: true, force: true });
    await mkdir(temporary, { recursive: true, mode: 0o700 });
    await syncNames(dirname(root));
  });
  return {
    async put(bytes) {
      const digest = sha256Hex(bytes);
      puts += 1;
      const temporaryPath = join(temporary, `${digest}.${puts}`);
      const store = async (): Promise<void> => {
        const path = blobPath(root, digest);
        const before = await statBlob(path, digest);
        // Rises with every put, whatever the clock does: a collector must see that it was put again.
        const atMs = Math.max(clock.now(), (before?.storedAtMs ?? -1) + 1);
        const isThere = before !== undefined && (await holds(path, digest));
        if (!isThere || !(await touch(path, atMs))) {
          await writeBlob(temporaryPath, bytes, { atMs, unsynced });
          await moveInto(temporaryPath, root, digest);
        }
        // Also for a blob that was there: whoever put it may not have synced its name yet.
        for (const folder of foldersOf(root, digest)) await syncNames(folder);
      };
      await inTurn(digest, () => attempt(`store blob ${digest}`, store));
      return digest;
    },
    async get(digest) {
      const bytes = await readBlob(blobPath(root, digest), digest);
      if (bytes === undefined || sha256Hex(bytes) === digest) return bytes;
      throw damagedBlob(digest);
    },
    async read(digest) {
      return openBlob(blobPath(root, digest), digest);
    },
    async has(digest) {
      return (await statBlob(blobPath(root, digest), digest)) !== undefined;
    },
    async delete(digest, { unlessPutSinceMs } = {}) {
      const path = blobPath(root, digest);
      return inTurn(digest, async () => {
        const found = await statBlob(path, digest);
        if (found === undefined) return false;
        if (unlessPutSinceMs !== undefined && found.storedAtMs !== unlessPutSinceMs) return false;
        await attempt(`delete blob ${digest}`, () => rm(path, { force: true }));
        return true;
      });
    },
    list: () => listBlobs(root),
  };
}

function damagedBlob(digest: string): ReactorError {
  return new ReactorError(
    "bundle_invalid",
    `Cannot read blob ${digest}: the stored bytes are damaged, their digest differs; deploy the same files again, or restore a backup`,
    { details: { digest } },
  );
}

async function attempt<T>(action: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw blobFailure(error, action);
  }
}

/** Folders that hold the blob, innermost first. */
function foldersOf(root: string, digest: string): readonly [string, string, string] {
  const outer = join(root, digest.slice(0, 2));
  return [join(outer, digest.slice(2, 4)), outer, root];
}

function blobPath(root: string, digest: string): string {
  if (!digestPattern.test(digest)) {
    throw new ReactorError(
      "invalid_request",
      `Cannot use ${JSON.stringify(digest.slice(0, 80))} as a blob digest: it must be 64 hex digits in lower case`,
    );
  }
  return join(foldersOf(root, digest)[0], digest);
}

async function readBlob(path: string, digest: string): Promise<Uint8Array | undefined> {
  return attempt(`read blob ${digest}`, async () => {
    try {
      return await readFile(path);
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  });
}

/** Whether the blob is there and sound; a damaged one is written anew by the next put. */
async function holds(path: string, digest: string): Promise<boolean> {
  const bytes = await readBlob(path, digest);
  return bytes !== undefined && sha256Hex(bytes) === digest;
}

async function statBlob(path: string, digest: string): Promise<StoredBlob | undefined> {
  return attempt(`look for blob ${digest}`, async () => {
    try {
      const { size, mtimeMs } = await stat(path);
      return { digest, bytes: size, storedAtMs: Math.round(mtimeMs) };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  });
}

/** The file is opened by the first piece, so that a reading nobody starts holds nothing. */
async function openBlob(path: string, digest: string): Promise<BlobReading | undefined> {
  const found = await statBlob(path, digest);
  return found && { bytes: found.bytes, pieces: readPieces(path, digest) };
}

async function* readPieces(path: string, digest: string): AsyncGenerator<Uint8Array> {
  const action = `read blob ${digest}`;
  const hash = createHash("sha256");
  const file = await attempt(action, () => open(path, constants.O_RDONLY));
  try {
    for (;;) {
      const { bytesRead, buffer } = await attempt(action, () =>
        file.read(Buffer.allocUnsafe(pieceBytes), 0, pieceBytes),
      );
      if (bytesRead === 0) break;
      const piece = buffer.subarray(0, bytesRead);
      hash.update(piece);
      yield piece;
    }
  } finally {
    await file.close();
  }
  if (hash.digest("hex") !== digest) throw damagedBlob(digest);
}

/** Renews the blob's age; false when it was deleted meanwhile. */
async function touch(path: string, nowMs: number): Promise<boolean> {
  try {
    await utimes(path, nowMs / 1000, nowMs / 1000);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

async function writeBlob(
  path: string,
  bytes: Uint8Array,
  { atMs, unsynced }: { readonly atMs: number; readonly unsynced: true | undefined },
): Promise<void> {
  try {
    const file = await open(path, "wx", 0o600);
    try {
      await file.writeFile(bytes);
      await file.utimes(atMs / 1000, atMs / 1000);
      if (unsynced === undefined) await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}

async function moveInto(temporaryPath: string, root: string, digest: string): Promise<void> {
  try {
    await mkdir(foldersOf(root, digest)[0], { recursive: true, mode: 0o700 });
    await rename(temporaryPath, blobPath(root, digest));
  } catch (error) {
    await rm(temporaryPath, { force: true });
    throw error;
  }
}

/** Makes the names in a folder durable. */
async function syncFolder(folder: string): Promise<void> {
  const directory = await open(folder, constants.O_RDONLY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function* listBlobs(root: string): AsyncGenerator<StoredBlob> {
  for await (const outer of entries(root)) {
    if (!/^[0-9a-f]{2}$/.test(outer)) continue;
    for await (const inner of entries(join(root, outer))) {
      for await (const digest of entries(join(root, outer, inner))) {
        if (!digestPattern.test(digest)) continue;
        const found = await statBlob(join(root, outer, inner, digest), digest);
        if (found !== undefined) yield found;
      }
    }
  }
}

async function* entries(folder: string): AsyncGenerator<string> {
  try {
    const directory = await opendir(folder);
    for await (const entry of directory) yield entry.name;
  } catch (error) {
    throw blobFailure(error, `list the blobs in ${folder}`);
  }
}
