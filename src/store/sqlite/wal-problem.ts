import { open, type FileHandle } from "node:fs/promises";
import { systemCode } from "../system-code.ts";

/** A larger write-ahead log is not read through; SQLite folds it in at 4 MiB, so none should be. */
const walBytesMax = 256 * 1024 * 1024;
const headerBytes = 32;
const frameHeaderBytes = 24;
const indexHeaderBytes = 48;
/** Offset in the index file of the count of frames that are in the database file already. */
const backfillOffset = 96;

/**
 * What is wrong with the write-ahead log beside a database that nobody has open; undefined when
 * nothing is. SQLite itself goes on with the sound beginning of such a log and forgets the rest in
 * silence. That is right for what a power cut tore, which nobody was told is stored, and wrong for
 * the rest. Two things tell them apart: SQLite's index (`-shm`) counts only frames that were synced,
 * and a transaction is appended only after the one before it was synced.
 */
export async function walProblem(path: string): Promise<string | undefined> {
  const wal = await readWhole(`${path}-wal`);
  if (wal === "too large") return undefined;
  const index = await readIndex(`${path}-shm`);
  const log = wal === undefined ? undefined : readLog(wal);
  const sound = log?.sound ?? 0;
  if (index !== undefined && index.frames > sound) {
    const isSameLog = log === undefined || index.salt.equals(log.salt);
    const isInDatabase = sound === 0 && index.backfilled >= index.frames;
    if (isSameLog && !isInDatabase) {
      return `the write-ahead log ${path}-wal holds ${sound} sound frames, ${index.frames} were stored`;
    }
  }
  if (log?.goesOn === true) {
    return `the write-ahead log ${path}-wal is damaged at frame ${sound + 1}, and stored changes follow it`;
  }
  return undefined;
}

interface Log {
  readonly salt: Buffer;
  /** Frames of the whole transactions before the first damage. */
  readonly sound: number;
  /** Whether a transaction that was built upon another follows the damage. */
  readonly goesOn: boolean;
}

/** Undefined when not even the header is sound: then nothing was ever committed to this log. */
function readLog(wal: Buffer): Log | undefined {
  const magic = wal.length < headerBytes ? 0 : wal.readUInt32BE(0);
  if (magic !== 0x377f0682 && magic !== 0x377f0683) return undefined;
  const bigEndian = magic === 0x377f0683;
  const pageBytes = wal.readUInt32BE(8);
  const seed = checksum(wal.subarray(0, 24), [0, 0], bigEndian);
  if (pageBytes < 512 || pageBytes > 65_536 || !matches(wal, 24, seed)) return undefined;
  const salt = wal.subarray(16, 24);
  const frameBytes = frameHeaderBytes + pageBytes;
  const count = Math.floor((wal.length - headerBytes) / frameBytes);
  let before: Sum = seed;
  let sound = 0;
  let isDamaged = false;
  let isAfterCommit = false;
  for (let index = 0; index < count; index++) {
    const frame = wal.subarray(headerBytes + index * frameBytes).subarray(0, frameBytes);
    // Frames of an earlier round of the log carry another salt.
    if (!frame.subarray(8, 16).equals(salt)) {
      isDamaged = true;
      isAfterCommit = false;
      continue;
    }
    const head = checksum(frame.subarray(0, 8), before, bigEndian);
    const isChained = matches(frame, 16, checksum(frame.subarray(24), head, bigEndian));
    if (isDamaged && isChained && isAfterCommit) return { salt, sound, goesOn: true };
    if (!isChained) isDamaged = true;
    const isCommit = frame.readUInt32BE(4) !== 0;
    if (isCommit && !isDamaged) sound = index + 1;
    isAfterCommit = isCommit;
    before = [frame.readUInt32BE(16), frame.readUInt32BE(20)];
  }
  return { salt, sound, goesOn: false };
}

interface Index {
  readonly frames: number;
  readonly backfilled: number;
  readonly salt: Buffer;
}

/** The header of SQLite's index of the log, in this machine's byte order; undefined when unsound. */
async function readIndex(path: string): Promise<Index | undefined> {
  const bytes = await readStart(path, backfillOffset + 4);
  if (bytes === undefined || bytes.length < backfillOffset + 4) return undefined;
  const header = bytes.subarray(0, indexHeaderBytes);
  const sum = checksum(header.subarray(0, 40), [0, 0], false);
  const isSound = header.readUInt32LE(40) === sum[0] && header.readUInt32LE(44) === sum[1];
  const isTwice = bytes.subarray(indexHeaderBytes, 2 * indexHeaderBytes).equals(header);
  if (!isSound || !isTwice || header[12] !== 1) return undefined;
  return {
    frames: header.readUInt32LE(16),
    backfilled: bytes.readUInt32LE(backfillOffset),
    salt: header.subarray(32, 40),
  };
}

type Sum = readonly [number, number];

/** SQLite's running checksum of the log: two 32-bit sums over pairs of words. */
function checksum(bytes: Buffer, [first, second]: Sum, bigEndian: boolean): Sum {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let a = first;
  let b = second;
  for (let at = 0; at + 8 <= bytes.length; at += 8) {
    a = (a + view.getUint32(at, !bigEndian) + b) >>> 0;
    b = (b + view.getUint32(at + 4, !bigEndian) + a) >>> 0;
  }
  return [a, b];
}

function matches(bytes: Buffer, at: number, [first, second]: Sum): boolean {
  return bytes.readUInt32BE(at) === first && bytes.readUInt32BE(at + 4) === second;
}

async function readWhole(path: string): Promise<Buffer | "too large" | undefined> {
  return reading(path, async (file) => {
    const { size } = await file.stat();
    return size > walBytesMax ? "too large" : file.readFile();
  });
}

async function readStart(path: string, length: number): Promise<Buffer | undefined> {
  return reading(path, async (file) => {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, 0);
    return buffer.subarray(0, bytesRead);
  });
}

/** Undefined when the file does not exist. */
async function reading<T>(
  path: string,
  work: (file: FileHandle) => Promise<T>,
): Promise<T | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}
