import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseError } from "../database-error.ts";
import { superuser, type SystemUser } from "./cluster-folder.ts";
import { serverUserName } from "./system-user.ts";

/** The kernel's limit for a Unix socket's path, less the final NUL. */
const socketPathBytesMax = 107;
export const socketPort = 5432;

/** Files that PostgreSQL is started with, and the folder of its socket. */
export interface RunFolder {
  readonly hbaFile: string;
  readonly identFile: string;
  readonly socketFolder: string;
  remove(): void;
}

/**
 * Who may connect: the server's own system user, known by the kernel, as the superuser; every
 * project's login, by its password, to the database of the same name; nobody else, and nobody by
 * trust.
 */
const hba = [
  `local all ${superuser} peer map=server`,
  "local sameuser all scram-sha-256",
  "local all all reject",
];

/** The folder of the socket of a server that uses this run folder. */
export function socketFolderOf(runDir: string): string {
  return join(runDir, "postgres", "s");
}

/** Refuses a run folder below which the socket's path would be longer than the kernel allows. */
export function requireSocketPath(runDir: string): void {
  const longest = join(socketFolderOf(runDir), `.s.PGSQL.${socketPort}.lock`);
  if (Buffer.byteLength(longest) <= socketPathBytesMax) return;
  throw new DatabaseError(
    "database_unavailable",
    `Cannot start the database: the path of its socket, below "${runDir}", has ${Buffer.byteLength(longest)} bytes, must have at most ${socketPathBytesMax}; set run_dir to a shorter folder`,
  );
}

/** Makes `<run_dir>/postgres` anew. */
export function openRunFolder(runDir: string, user: SystemUser | undefined): RunFolder {
  const path = join(runDir, "postgres");
  const socketFolder = socketFolderOf(runDir);
  const mode = user === undefined ? 0o700 : 0o755;
  mkdirSync(runDir, { recursive: true, mode });
  const own = process.getuid?.();
  const state = lstatSync(runDir);
  if (!state.isDirectory() || (own !== undefined && state.uid !== own)) {
    throw new DatabaseError(
      "database_unavailable",
      `Cannot start the database: the run folder "${runDir}" is not this user's own; set run_dir to another`,
    );
  }
  // The umask must not close the folder to PostgreSQL's user.
  chmodSync(runDir, mode);
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path);
  chmodSync(path, mode);
  mkdirSync(socketFolder, { mode: 0o700 });
  if (user !== undefined) chownSync(socketFolder, user.uid, user.gid);
  const hbaFile = join(path, "hba.conf");
  const identFile = join(path, "ident.conf");
  writeFileSync(hbaFile, `${hba.join("\n")}\n`, { mode: 0o644 });
  writeFileSync(identFile, `server "${requireUserName()}" ${superuser}\n`, { mode: 0o644 });
  return {
    hbaFile,
    identFile,
    socketFolder,
    remove() {
      rmSync(path, { recursive: true, force: true });
      removeIfEmpty(runDir);
    },
  };
}

/** PostgreSQL asks the kernel for the uid of whoever connects, and the system for its name. */
function requireUserName(): string {
  const name = serverUserName();
  if (name !== undefined && /^[^"\s]+$/.test(name)) return name;
  throw new DatabaseError(
    "database_unavailable",
    `Cannot start the database: the server's user id ${process.getuid?.()} has no name in /etc/passwd, by which PostgreSQL would know it; give it one, or use a database of your own by the setting database.url`,
  );
}

function removeIfEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    // Drivers use the folder as well; whoever is last removes it.
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "ENOTEMPTY" && code !== "ENOENT" && code !== "EEXIST" && code !== "EBUSY")
      throw error;
  }
}
