import { createHash } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import path from "node:path";
import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { isObject } from "./json-object.ts";

/** What an install made: the files and what is to be said about it. */
export interface InstalledTree {
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly notes: readonly string[];
}

/** Installed trees by the digest of what they were made from. Failures cost time, never a deploy. */
export interface TreeCache {
  /** A damaged one is removed and counts as absent. */
  get(key: string): Promise<InstalledTree | undefined>;
  /** Keeps it, and drops those that were not used for longest when there is not enough room. */
  put(key: string, tree: InstalledTree): Promise<void>;
}

export interface TreeCacheOptions {
  readonly folder: string;
  readonly bytesMax: number;
  readonly clock: Clock;
  readonly log: Log;
}

const suffix = ".tree";
const draftSuffix = ".draft";
const digestBytes = 32;
const headBytes = 4;
/** Read, written and hashed at a time, so that a large tree does not hold up the requests. */
const pieceBytes = 1_048_576;

/**
 * Opens the cache's folder and sweeps it: drafts of a server that was killed, foreign files, and
 * what is over the bound. A file is the index's length, the index, the contents and the SHA-256 of all
 * that, so one that is cut short or altered is never taken for whole.
 */
export async function openTreeCache(options: TreeCacheOptions): Promise<TreeCache> {
  const { folder, clock, log } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const name of await readdir(folder)) {
    if (!name.endsWith(suffix)) await rm(path.join(folder, name), { recursive: true, force: true });
  }
  const fileOf = (key: string): string => path.join(folder, `${key}${suffix}`);
  await makeRoom(options, 0);
  let drafts = 0;
  return {
    async get(key) {
      const file = fileOf(key);
      try {
        const tree = decodeTree(await readWhole(file));
        if (tree === undefined) {
          log.warn("A cached install is damaged; it is made anew", { file });
          await rm(file, { force: true });
          return undefined;
        }
        const now = clock.now() / 1000;
        await utimes(file, now, now);
        return tree;
      } catch (error) {
        if (!isAbsent(error)) log.warn("A cached install cannot be read", { error: String(error) });
        return undefined;
      }
    },
    async put(key, tree) {
      const draft = path.join(folder, `${key}-${drafts++}${draftSuffix}`);
      try {
        const parts = encodeTree(tree);
        const bytes = parts.reduce((sum, part) => sum + part.length, digestBytes);
        if (bytes > options.bytesMax) return;
        await makeRoom(options, bytes);
        await writeWhole(draft, parts);
        await rename(draft, fileOf(key));
      } catch (error) {
        log.warn("An install could not be cached", { error: String(error) });
        await rm(draft, { force: true });
      }
    },
  };
}

async function writeWhole(file: string, parts: readonly Uint8Array[]): Promise<void> {
  const digest = createHash("sha256");
  const handle = await open(file, "wx", 0o600);
  try {
    for (const piece of pieces(parts)) {
      digest.update(piece);
      await handle.writeFile(piece);
    }
    await handle.writeFile(digest.digest());
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The same bytes in pieces that are neither tiny nor huge. */
function* pieces(parts: readonly Uint8Array[]): Generator<Uint8Array> {
  let held: Uint8Array[] = [];
  let heldBytes = 0;
  for (const part of parts) {
    for (let at = 0; at < part.length; at += pieceBytes) {
      const piece = part.subarray(at, at + pieceBytes);
      held.push(piece);
      heldBytes += piece.length;
      if (heldBytes < pieceBytes) continue;
      yield Buffer.concat(held);
      held = [];
      heldBytes = 0;
    }
  }
  if (heldBytes > 0) yield Buffer.concat(held);
}

/** The file without its digest; undefined when that does not match. */
async function readWhole(file: string): Promise<Buffer | undefined> {
  const handle = await open(file, "r");
  try {
    const { size } = await handle.stat();
    const bytes = Buffer.alloc(size);
    const digest = createHash("sha256");
    const end = size - digestBytes;
    let filled = 0;
    while (filled < size) {
      const { bytesRead } = await handle.read(bytes, filled, Math.min(pieceBytes, size - filled));
      if (bytesRead === 0) return undefined;
      if (filled < end) digest.update(bytes.subarray(filled, Math.min(filled + bytesRead, end)));
      filled += bytesRead;
    }
    const same = end > 0 && Buffer.compare(digest.digest(), bytes.subarray(end)) === 0;
    return same ? bytes.subarray(0, end) : undefined;
  } finally {
    await handle.close();
  }
}

/** Removes the trees that were not used for longest until `bytes` more fit. */
async function makeRoom({ folder, bytesMax }: TreeCacheOptions, bytes: number): Promise<void> {
  const kept: { readonly file: string; readonly bytes: number; readonly usedMs: number }[] = [];
  for (const name of await readdir(folder)) {
    if (!name.endsWith(suffix)) continue;
    const file = path.join(folder, name);
    const { size, mtimeMs } = await stat(file);
    kept.push({ file, bytes: size, usedMs: mtimeMs });
  }
  let sum = kept.reduce((total, entry) => total + entry.bytes, bytes);
  for (const entry of kept.toSorted((a, b) => a.usedMs - b.usedMs)) {
    if (sum <= bytesMax) return;
    await rm(entry.file, { force: true });
    sum -= entry.bytes;
  }
}

/** The parts of a tree's file, in order. */
function encodeTree({ files, notes }: InstalledTree): Uint8Array[] {
  const index = { notes, files: [...files].map(([name, content]) => [name, content.length]) };
  const text = Buffer.from(JSON.stringify(index));
  const size = Buffer.alloc(headBytes);
  size.writeUInt32LE(text.length);
  return [size, text, ...files.values()];
}

function decodeTree(bytes: Buffer | undefined): InstalledTree | undefined {
  if (bytes === undefined || bytes.length < headBytes) return undefined;
  const indexEnd = headBytes + bytes.readUInt32LE(0);
  const index: unknown = JSON.parse(bytes.toString("utf8", headBytes, indexEnd));
  if (!isObject(index)) return undefined;
  const listed = index["files"];
  const notes = index["notes"];
  if (!Array.isArray(listed) || !Array.isArray(notes)) return undefined;
  const files = new Map<string, Uint8Array>();
  let at = indexEnd;
  for (const [name, length] of listed as readonly (readonly [string, number])[]) {
    files.set(name, bytes.subarray(at, at + length));
    at += length;
  }
  return { files, notes: notes.map(String) };
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
