import {
  chownSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseError } from "../database-error.ts";
import type { Program, ProgramStarter } from "./program-starter.ts";

/** The superuser of a cluster that Reactor made. */
export const superuser = "reactor";

const initTimeoutMs = 120_000;
const outputLinesMax = 20;

/** A user of this machine. */
export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

export interface ClusterFolderOptions {
  /** `<data_dir>/postgres`; belongs to the server. */
  readonly path: string;
  readonly programs: ProgramStarter;
  /** Whom PostgreSQL runs as, when that is not the server's own user. */
  readonly user: SystemUser | undefined;
  /** Ends a start that takes too long. */
  readonly after: (delayMs: number, callback: () => void) => { cancel(): void };
}

/** The environment of PostgreSQL's programs: nothing of the server's. */
export const programEnvironment = { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" };

/**
 * PostgreSQL's own name for its data folder. It is handed the folder as an open descriptor, because
 * its user can pass none of the folders above, which are the server's alone.
 */
export const handedFolder = "/proc/self/fd/3";

/** The folder with the cluster of PostgreSQL's files, which is the other user's. */
export function clusterPath(path: string): string {
  return join(path, "cluster");
}

/** The major version whose binaries made the cluster; undefined when there is none yet. */
export function recordedMajor(path: string): number | undefined {
  const recorded = readNumber(join(path, "version"));
  const own = readNumber(join(clusterPath(path), "PG_VERSION"));
  if (recorded !== undefined && own !== undefined && recorded !== own) {
    throw new DatabaseError(
      "database_unavailable",
      `Cannot use the database folder "${path}": Reactor recorded PostgreSQL ${recorded} and its files say ${own}; restore the folder, or upgrade by pg_dump and a new folder`,
    );
  }
  return own === undefined ? undefined : (recorded ?? own);
}

function readNumber(file: string): number | undefined {
  try {
    return Number(readFileSync(file, "utf8").trim());
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

/** The process that runs, or ran, the cluster. */
export function recordedPid(path: string): number | undefined {
  try {
    const [line = ""] = readFileSync(join(clusterPath(path), "postmaster.pid"), "utf8").split("\n");
    return /^\d+$/.test(line) ? Number(line) : undefined;
  } catch {
    // It was shut down properly.
    return undefined;
  }
}

/** Forgets which process runs the cluster; only for one that nothing runs. */
export function forgetPid(path: string): void {
  rmSync(join(clusterPath(path), "postmaster.pid"), { force: true });
}

/** Makes the cluster, whole or not at all: it gets its name once it is complete and on disk. */
export async function makeCluster(
  options: ClusterFolderOptions,
  binaries: { readonly folder: string; readonly major: number },
): Promise<void> {
  const { path, user } = options;
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const draft = join(path, "cluster.new");
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { mode: 0o700 });
  if (user !== undefined) chownSync(draft, user.uid, user.gid);
  await runInitdb(options, binaries.folder, draft);
  writeFileSync(join(path, "version"), `${binaries.major}\n`, { mode: 0o600, flush: true });
  renameSync(draft, clusterPath(path));
  syncFolder(path);
}

async function runInitdb(
  { programs, user, after }: ClusterFolderOptions,
  binaries: string,
  draft: string,
): Promise<void> {
  const folder = openSync(draft, "r");
  const output: string[] = [];
  let program: Program;
  try {
    program = programs.start({
      file: join(binaries, "initdb"),
      args: [
        "-D",
        handedFolder,
        "-U",
        superuser,
        "--auth=reject",
        "--data-checksums",
        "--encoding=UTF8",
        "--locale=C",
        "--lc-ctype=C.UTF-8",
        "--no-instructions",
      ],
      env: programEnvironment,
      user,
      descriptors: [folder],
      onLine: (line) => {
        output.push(line);
        if (output.length > outputLinesMax) output.shift();
      },
    });
  } finally {
    closeSync(folder);
  }
  const late = after(initTimeoutMs, () => program.signal("SIGKILL"));
  const end = await program.ended;
  late.cancel();
  if (end.code === 0) return;
  const how = end.error ?? end.signal ?? `exit code ${end.code}`;
  throw new DatabaseError(
    "database_unavailable",
    `Cannot make the database folder: initdb failed (${how}): ${output.join(" ").slice(-600)}`,
  );
}

function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** Opens the cluster's folder; refuses one that is not its user's, as PostgreSQL would. */
export function openCluster({ path, user }: ClusterFolderOptions): number {
  const cluster = clusterPath(path);
  const state = statSync(cluster);
  const wanted = user?.uid ?? process.getuid?.();
  if (wanted !== undefined && state.uid !== wanted) {
    throw new DatabaseError(
      "database_unavailable",
      `Cannot use the database folder "${cluster}": it belongs to uid ${state.uid}, must belong to uid ${wanted}; start the server as the user that made it, or change its owner with chown -R`,
    );
  }
  return openSync(cluster, "r");
}
