import { type FileHandle, open } from "node:fs/promises";

const blockBytes = 256 * 1024;
const lineBreak = 10;

/**
 * Reads the first `bytes` of a segment as blocks of whole lines, in order, so that memory stays at
 * one block (or one line, when that is longer) however long the file is. The file is open only while
 * it is read and not between blocks, since a reader may take its time or never come back. Ends early
 * when the file was removed, as retention may do under a reader.
 */
export async function* readBlocks(path: string, bytes: number): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for (let at = 0; at < bytes; ) {
    const chunk = await readAt(path, at, Math.min(blockBytes, bytes - at));
    if (chunk.length === 0) return;
    at += chunk.length;
    const text = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const end = text.lastIndexOf(lineBreak) + 1;
    if (end > 0) yield text.subarray(0, end);
    rest = text.subarray(end);
  }
}

/** As `readBlocks()`, but the last block comes first. Lines within a block stay in order. */
export async function* readBlocksBackward(path: string, bytes: number): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for (let end = bytes; end > 0; ) {
    const start = Math.max(0, end - blockBytes);
    const chunk = await readAt(path, start, end - start);
    if (chunk.length < end - start) return;
    const text = rest.length === 0 ? chunk : Buffer.concat([chunk, rest]);
    // What comes before the first line break may have begun in the block before.
    const from = start === 0 ? 0 : text.indexOf(lineBreak) + 1;
    const hasWholeLine = start === 0 || (from > 0 && from < text.length);
    if (hasWholeLine) yield text.subarray(from);
    rest = hasWholeLine ? text.subarray(0, from) : text;
    end = start;
  }
}

/** The lines of a block that contain the needle (all of them without one), in order. */
export function linesIn(block: Buffer, needle?: Buffer): string[] {
  if (needle === undefined) return block.toString("utf8").split("\n").slice(0, -1);
  const lines: string[] = [];
  for (let at = block.indexOf(needle); at !== -1; ) {
    const start = block.lastIndexOf(lineBreak, at) + 1;
    const end = block.indexOf(lineBreak, at);
    lines.push(block.toString("utf8", start, end));
    at = block.indexOf(needle, end);
  }
  return lines;
}

/** Bytes from a position on; fewer at the end of the file, none when it does not exist. */
async function readAt(path: string, position: number, length: number): Promise<Buffer> {
  const file = await openExisting(path);
  if (file === undefined) return Buffer.alloc(0);
  try {
    const buffer = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  } finally {
    await file.close();
  }
}

async function openExisting(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
