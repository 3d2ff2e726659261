import { readdirSync, readFileSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { CommandFailure } from "./command-failure.ts";
import { createIgnoreRules } from "./ignore-rules.ts";

/** The server's own bounds; checked here first so that nothing is read and sent in vain. */
const bytesMax = 250 * 1024 * 1024;
const filesMax = 20_000;
const depthMax = 32;
const pathBytesMax = 512;
/** Read side by side: each costs a wait for another thread, as which looking at names is not worth. */
const readAtOnce = 16;

export interface CollectedFiles {
  /** Contents by path below the folder, forward slashes, in order of path. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly bytes: number;
}

interface Found {
  readonly name: string;
  readonly file: string;
}

const leaveOut = "leave it out with a line in .reactorignore, or put the real file there";

function readIgnoreFile(folder: string): string {
  try {
    return readFileSync(path.join(folder, ".reactorignore"), "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return "";
    throw cause;
  }
}

function checkName(name: string): void {
  if (Buffer.byteLength(name) > pathBytesMax) {
    throw new CommandFailure(
      `Cannot deploy ${name.slice(0, 80)}…: its path is longer than ${pathBytesMax} bytes`,
    );
  }
  if (name.split("/").length > depthMax) {
    throw new CommandFailure(`Cannot deploy ${name}: it lies deeper than ${depthMax} folders`);
  }
}

function findFiles(
  root: string,
  ignored: (name: string, isFolder: boolean) => boolean,
  signal: AbortSignal,
): Found[] {
  const found: Found[] = [];
  const folders = [""];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    signal.throwIfAborted();
    for (const entry of readdirSync(path.join(root, folder), { withFileTypes: true })) {
      const name = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (ignored(name, entry.isDirectory())) continue;
      checkName(name);
      if (entry.isDirectory()) folders.push(name);
      else if (entry.isFile()) found.push({ name, file: path.join(root, name) });
      else {
        const kind = entry.isSymbolicLink() ? "a symbolic link" : "not a regular file";
        throw new CommandFailure(`Cannot deploy ${name}: it is ${kind}`, { next: leaveOut });
      }
      if (found.length > filesMax) {
        throw new CommandFailure(`Cannot deploy ${root}: it holds more than ${filesMax} files`, {
          next: "leave some out with .reactorignore, or name the function's own folder with --dir",
        });
      }
    }
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function checkFolder(folder: string): void {
  if (isFolder(folder)) return;
  throw new CommandFailure(`Cannot deploy ${folder}: it is not a folder`, {
    next: "name the function's folder with --dir",
  });
}

function isFolder(folder: string): boolean {
  try {
    return statSync(folder).isDirectory();
  } catch (cause) {
    throw new CommandFailure(`Cannot read the folder ${folder}: it is not there`, {
      next: "name the function's folder with --dir, or make one with reactor init",
      cause,
    });
  }
}

/**
 * Reads every file below a folder that `.reactorignore` does not leave out. Links are refused and
 * never followed. Throws CommandFailure that names the file or the bound.
 */
export async function collectFiles(folder: string, signal: AbortSignal): Promise<CollectedFiles> {
  checkFolder(folder);
  const found = findFiles(folder, createIgnoreRules(readIgnoreFile(folder)), signal);
  const files = new Map<string, Uint8Array>();
  let bytes = 0;
  for (let at = 0; at < found.length; at += readAtOnce) {
    signal.throwIfAborted();
    const some = found.slice(at, at + readAtOnce);
    // Asked before reading, so that huge files are refused without filling the memory.
    for (const { file } of some) bytes += statSync(file).size;
    if (bytes > bytesMax) {
      throw new CommandFailure(
        `Cannot deploy ${folder}: its files are more than ${bytesMax / 1024 / 1024} MiB`,
        { next: "leave the large ones out with .reactorignore" },
      );
    }
    const contents = await Promise.all(some.map(({ file }) => readFile(file)));
    for (const [index, { name }] of some.entries()) files.set(name, contents[index] as Buffer);
  }
  if (files.size === 0) {
    throw new CommandFailure(`Cannot deploy ${folder}: there are no files in it`, {
      next: "name the function's folder with --dir, or make one with reactor init",
    });
  }
  return { files, bytes };
}
