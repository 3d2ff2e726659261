import fs from "node:fs";
import process from "node:process";
import { canaryIn, Refused } from "./attempt.ts";

/** Files of /proc that never end, are the kernel's own table or hold the memory of a process. */
const skipped =
  /^(?:kmsg|kcore|kpage.*|kallsyms|mem|pagemap|clear_refs|sysrq-trigger|slabinfo|task_pages)$/;
const depthMax = 4;
const fileBytesMax = 65_536;

/** A canary in any file of /proc that can be read, with its place. */
export function findInProc(): string | undefined {
  let files = 0;
  const visit = (folder: string, depth: number): string | undefined => {
    for (const entry of list(folder)) {
      const path = `${folder}/${entry.name}`;
      if (skipped.test(entry.name) || entry.isSymbolicLink()) continue;
      // Threads show what their process shows.
      if (entry.isDirectory()) {
        if (entry.name === "task" || depth === depthMax) continue;
        const found = visit(path, depth + 1);
        if (found !== undefined) return found;
        continue;
      }
      const text = contentOf(path);
      if (text !== undefined) files++;
      const found = text === undefined ? undefined : canaryIn(text);
      if (found !== undefined) return `${found} in ${path}`;
    }
    return undefined;
  };
  const found = visit("/proc", 0);
  // The walk itself must have worked, or finding nothing means nothing.
  if (found === undefined && files < 20) fs.readFileSync("/proc/self/status");
  if (found === undefined) throw new Refused(`none in ${files} files`);
  return found;
}

function list(folder: string): fs.Dirent[] {
  try {
    return fs.readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (folder === "/proc") throw error;
    return [];
  }
}

function contentOf(path: string): string | undefined {
  let descriptor: number;
  try {
    descriptor = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const bytes = Buffer.alloc(fileBytesMax);
    return bytes.toString("latin1", 0, fs.readSync(descriptor, bytes, 0, fileBytesMax, 0));
  } catch {
    return undefined;
  } finally {
    fs.closeSync(descriptor);
  }
}

const pageBytes = 4_096;
const pieceBytesMax = 4 * 1024 * 1024;
/** What runtimes reserve and hardly use may be larger still. */
const regionBytesMax = 16 * 1024 ** 3;
const canaryCharsMax = 64;

/** A canary in the memory of the process; that its own is found shows that the search works. */
export function findInMemory(folder: string): string | undefined {
  const maps = fs.readFileSync(`${folder}/maps`, "utf8");
  const regions = [...maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) rw/gm)];
  const memory = fs.openSync(`${folder}/mem`, "r");
  const pageMap = fs.openSync(`${folder}/pagemap`, "r");
  let bytesRead = 0;
  let sawOwn = false;
  const own = process.env["OWN"] ?? "";
  try {
    for (const [, from = "", to = ""] of regions) {
      const start = Number.parseInt(from, 16);
      const end = Number.parseInt(to, 16);
      if (end - start > regionBytesMax) continue;
      for (const [at, length] of presentPieces(pageMap, start, end)) {
        const text = pieceOf(memory, at, length);
        bytesRead += length;
        sawOwn ||= text.includes(own);
        const found = canaryIn(text);
        if (found !== undefined) return found;
      }
    }
  } finally {
    fs.closeSync(memory);
    fs.closeSync(pageMap);
  }
  throw new Refused(`none in ${bytesRead} bytes${sawOwn ? ", its own is there" : ""}`);
}

/** Pieces of the region that are in memory, each a little longer than it need be. */
function* presentPieces(pageMap: number, start: number, end: number): Generator<[number, number]> {
  const pages = (end - start) / pageBytes;
  const entriesMax = 65_536;
  for (let first = 0; first < pages; first += entriesMax) {
    const entries = Buffer.alloc(Math.min(entriesMax, pages - first) * 8);
    const bytes = fs.readSync(pageMap, entries, 0, entries.length, (start / pageBytes + first) * 8);
    let from = -1;
    for (let page = 0; page <= bytes / 8; page++) {
      const isPresent = page < bytes / 8 && (entries.readUInt8(page * 8 + 7) & 0x80) !== 0;
      const at = start + (first + page) * pageBytes;
      if (isPresent && from === -1) from = at;
      const isFull = from !== -1 && at - from >= pieceBytesMax;
      if (from === -1 || (isPresent && !isFull)) continue;
      yield [from, Math.min(at + canaryCharsMax, end) - from];
      from = isPresent ? at : -1;
    }
  }
}

function pieceOf(memory: number, at: number, length: number): string {
  const bytes = Buffer.alloc(length);
  try {
    return bytes.toString("latin1", 0, fs.readSync(memory, bytes, 0, length, at));
  } catch {
    // A region that went away since.
    return "";
  }
}
