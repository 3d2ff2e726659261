import {
  chmodSync,
  chownSync,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Random } from "../../base/random.ts";
import { parentFolders, type SandboxSlot } from "./sandbox-command.ts";

/** Users that instances run as when the server is root: far from people's and systemd's ranges. */
const uidCount = 100_000_000;
export const instanceUidFirst = 2_000_000_000;
export const instanceUidLast = instanceUidFirst + uidCount - 1;
/** The kernel's limit for a Unix socket's path, less the final NUL. */
const socketPathBytesMax = 107;

/** A private folder of one instance. `release` may be called twice. */
export interface RunSlot extends SandboxSlot {
  release(): void;
}

/** The folder below which a driver keeps what other users must reach. */
export interface RunDir {
  readonly path: string;
  /** Writes a file that every user can read and returns its path. */
  publish(name: string, content: string | Uint8Array): string;
  /** A path to the binary that every user can execute: its own, a hard link or a copy. */
  publishBinary(name: string, binaryPath: string): string;
  /** Makes a folder for one instance, owned by a user that no other live instance has. */
  openSlot(): RunSlot;
  /** Removes the folder and everything in it. */
  remove(): void;
}

/**
 * Opens `path`, a folder that belongs to one driver of one server. Throws when socket paths below
 * it would be longer than the kernel allows.
 */
export function openRunDir(options: { readonly path: string; readonly random: Random }): RunDir {
  const { path, random } = options;
  const slotsDir = join(path, "i");
  const longest = join(slotsDir, "zzzzzz", "s");
  if (Buffer.byteLength(longest) > socketPathBytesMax) {
    throw new Error(
      `Cannot use run folder "${path}": socket paths below it have ${Buffer.byteLength(longest)} bytes, must have at most ${socketPathBytesMax}; choose a shorter one`,
    );
  }
  const asRoot = process.getuid?.() === 0;
  makeFolder(join(path, ".."), asRoot ? 0o755 : 0o700);
  makeFolder(path, asRoot ? 0o755 : 0o700);
  makeFolder(slotsDir, 0o711);
  const closed = asRoot ? parentFolders(slotsDir).find((dir) => !openTo(dir, 0o001)) : undefined;
  if (closed !== undefined) {
    throw new Error(
      `Cannot use run folder "${path}": other users cannot pass "${closed}", and instances run as other users; choose a folder such as /run/reactor`,
    );
  }
  const uidsInUse = new Set<number>();
  let nextUid = random.uint32() % uidCount;
  let nextSlot = 0;
  const drawUid = (): number => {
    do nextUid = (nextUid + 1) % uidCount;
    while (uidsInUse.has(nextUid));
    uidsInUse.add(nextUid);
    return nextUid;
  };
  return {
    path,
    publish(name, content) {
      const file = join(path, name);
      writeFileSync(file, content);
      chmodSync(file, 0o644);
      return file;
    },
    publishBinary(name, binaryPath) {
      if (!asRoot || reachableByAll(binaryPath)) return binaryPath;
      const file = join(path, name);
      rmSync(file, { force: true });
      linkOrCopy(binaryPath, file);
      chmodSync(file, 0o755);
      return file;
    },
    openSlot() {
      const dir = join(slotsDir, (nextSlot++ % 36 ** 6).toString(36));
      mkdirSync(dir, { mode: 0o700 });
      const drawn = asRoot ? drawUid() : undefined;
      const uid = drawn === undefined ? undefined : instanceUidFirst + drawn;
      if (uid !== undefined) chownSync(dir, uid, uid);
      return {
        dir,
        socketPath: join(dir, "s"),
        uid,
        release() {
          rmSync(dir, { recursive: true, force: true });
          if (drawn !== undefined) uidsInUse.delete(drawn);
        },
      };
    },
    remove: () => {
      rmSync(path, { recursive: true, force: true });
      removeIfEmpty(join(path, ".."));
    },
  };
}

/** Makes the folder, or takes it when it is this user's own: another's could be moved or read. */
function makeFolder(path: string, mode: number): void {
  mkdirSync(path, { recursive: true, mode });
  const state = lstatSync(path);
  const own = process.getuid?.() ?? state.uid;
  if (!state.isDirectory() || state.uid !== own) {
    const found = state.isDirectory() ? `belongs to uid ${state.uid}` : "is a link or a file";
    throw new Error(
      `Cannot use run folder "${path}": it ${found}, must be a folder of uid ${own}; remove it, or set run_dir to another`,
    );
  }
  // The umask must not close the folder to the users that instances run as.
  chmodSync(path, mode);
}

function removeIfEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    // Another driver of this server still uses the folder, or somebody removed it first.
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "ENOTEMPTY" && code !== "ENOENT" && code !== "EEXIST" && code !== "EBUSY") {
      throw error;
    }
  }
}

/** Whether users other than the owner may pass every folder on the way and execute the file. */
function reachableByAll(path: string): boolean {
  return openTo(path, 0o005) && parentFolders(path).every((folder) => openTo(folder, 0o001));
}

function openTo(path: string, bits: number): boolean {
  return (statSync(path).mode & bits) === bits;
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    // Other file system, or links are forbidden there.
    copyFileSync(from, to);
  }
}
