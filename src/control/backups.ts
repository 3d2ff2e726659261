import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import type { Clock, Timer } from "../base/clock.ts";
import type { Ids } from "../base/ids.ts";
import type { Log } from "../base/log.ts";
import type { Random } from "../base/random.ts";
import type { BlobStore } from "../blobs/blob-store.ts";
import {
  type BackupFile,
  type BackupManifest,
  blobPath,
  type DatabaseState,
  dumpedProject,
  dumpPath,
  manifestBytesMax,
  storePath,
  writeManifest,
} from "../domain/backup/backup-manifest.ts";
import { archiveBytes, writeArchive } from "../domain/backup/write-archive.ts";
import { type KeyRecipient, wrapKey } from "../domain/backup/key-wrap.ts";
import type { FunctionDatabases } from "../database/create-function-databases.ts";
import { DatabaseError } from "../database/database-error.ts";
import { ReactorError } from "../domain/errors.ts";
import type { Store } from "../store/store.ts";
import type { BackupStream } from "./backup-stream.ts";
import type { BlobCollector } from "./blob-collector.ts";
import type { MasterKey } from "./secret-box.ts";

export interface BackupWishes {
  /** Whom the data key is wrapped for; undefined leaves it out. */
  readonly recipient: KeyRecipient | undefined;
  /** Whether the functions' databases go in, where they are Reactor's. */
  readonly databases: boolean;
  /** Ends the making of it; what is sent then ends by `close`. Whoever waits may leave. */
  readonly signal: AbortSignal;
}

/** Makes backups of everything control keeps, one at a time. */
export interface Backups {
  /** Freezes one state and resolves with it as an archive. `conflict` while another is sent. */
  create(wishes: BackupWishes): Promise<BackupStream>;
  /** Ends the one that is sent. */
  close(): Promise<void>;
}

export interface BackupsOptions {
  /** Folder of its own for the copy of the store; what is in it is removed at the start. */
  readonly folder: string;
  readonly serverVersion: string;
  readonly store: Store;
  readonly blobs: BlobStore;
  /** Absent: functions have no database. */
  readonly databases?: Pick<FunctionDatabases, "archives">;
  readonly collector: BlobCollector;
  /** The master key, and whether secrets are being moved to another one. */
  readonly sealing: { readonly key: MasterKey; readonly isMoving: boolean };
  readonly clock: Clock;
  readonly ids: Ids;
  readonly random: Random;
  readonly log: Log;
}

/** How long a reader may take for one piece before its backup is given up. */
const readerIdleMs = 60_000;
const pieceBytes = 256 * 1024;

/** One backup from its first step until everything it held is free. */
interface Run {
  readonly id: string;
  /** Its own folder, for the copy of the store and those of databases. */
  readonly folder: string;
  /** The copy of the store. */
  readonly file: string;
  readonly signal: AbortSignal;
  /** Stops the work; `end` gives free what it held. */
  stop(reason: unknown): void;
  /** Resolves when no blob can be removed any more. */
  readonly held: Promise<unknown>;
  end(reason: ReactorError): Promise<void>;
}

export async function createBackups(options: BackupsOptions): Promise<Backups> {
  const { folder, ids, collector, log } = options;
  await emptyFolder(folder);
  let current: Run | undefined;
  const begin = (): Run => {
    if (current !== undefined) {
      throw new ReactorError(
        "conflict",
        `Cannot start a backup: backup ${current.id} is still being sent; wait for its end`,
        { retryAfterSecs: 5, details: { backup_id: current.id } },
      );
    }
    const id = ids.next("bkp");
    const own = path.join(folder, id);
    const file = path.join(own, storePath);
    const held = collector.hold();
    const stopped = new AbortController();
    const free = async (reason: ReactorError): Promise<void> => {
      stopped.abort(reason);
      (await held)();
      await rm(own, { recursive: true, force: true });
      current = undefined;
    };
    let freed: Promise<void> | undefined;
    return (current = {
      id,
      folder: own,
      file,
      signal: stopped.signal,
      stop: (reason) => stopped.abort(reason),
      held,
      end: (reason) => (freed ??= free(reason)),
    });
  };
  return {
    async create(wishes) {
      const run = begin();
      const leave = (): void => run.stop(wishes.signal.reason);
      wishes.signal.addEventListener("abort", leave);
      try {
        wishes.signal.throwIfAborted();
        await run.held;
        await mkdir(run.folder, { mode: 0o700 });
        const manifest = await freeze(options, run, wishes);
        const stream = send(options, run, manifest);
        log.info("Backup begun", { backup_id: run.id, bytes: stream.bytes });
        return stream;
      } catch (error) {
        await run.end(new ReactorError("storage_unavailable", "The backup failed"));
        if (wishes.signal.aborted) log.info("Backup broken off", { backup_id: run.id });
        throw error;
      } finally {
        wishes.signal.removeEventListener("abort", leave);
      }
    },
    async close() {
      await current?.end(stopping());
    },
  };
}

function stopping(): ReactorError {
  return new ReactorError(
    "storage_unavailable",
    "Cannot finish the backup: the server is stopping",
  );
}

/** Removes what a killed server left. */
async function emptyFolder(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new ReactorError(
      "storage_unavailable",
      `Cannot use the folder ${folder} for backups: ${String(cause)}; it must be writable`,
      { cause },
    );
  }
}

/** Copies the store and the databases, and reads through every blob that the copy names. */
async function freeze(
  options: BackupsOptions,
  run: Run,
  { recipient, databases: wanted }: BackupWishes,
): Promise<BackupManifest> {
  const { store, sealing, random, clock, serverVersion } = options;
  const masterKey = sealing.key;
  const { formatVersion, referencedBlobs, secretKeyIds } = await store.snapshot(run.file);
  if (sealing.isMoving || sealing.key !== masterKey) {
    throw new ReactorError(
      "conflict",
      "Cannot make a backup: secrets are being moved to a new data key; try again",
      { retryAfterSecs: 5 },
    );
  }
  // After the store, so that a database has at least what the store says was done.
  const databases = await dumpDatabases(options, run, wanted);
  run.signal.throwIfAborted();
  const files: BackupFile[] = [{ path: storePath, ...(await measure(readFile(run.file), run)) }];
  const damagedBlobs: string[] = [];
  for (const digest of referencedBlobs) {
    run.signal.throwIfAborted();
    const file = await soundBlob(options, run, digest);
    if (file === undefined) damagedBlobs.push(digest);
    else files.push(file);
  }
  const request = { key: masterKey, backupId: run.id, random };
  return {
    id: run.id,
    serverVersion,
    createdAtMs: clock.now(),
    storeFormat: formatVersion,
    dataKey: {
      id: masterKey.id,
      wrapped: recipient === undefined ? undefined : wrapKey({ recipient, ...request }),
    },
    secretKeyIds,
    damagedBlobs,
    databases: databases.summary,
    files: [...files, ...databases.files],
  };
}

/** Archives of every project's database, as files of the run's folder. */
async function dumpDatabases(
  { databases, store }: BackupsOptions,
  run: Run,
  wanted: boolean,
): Promise<{ summary: BackupManifest["databases"]; files: readonly BackupFile[] }> {
  const none = (state: DatabaseState) => ({
    summary: { state, postgresMajor: undefined },
    files: [],
  });
  if (databases === undefined || !wanted) return none("left_out");
  const { archives } = databases;
  if (archives === undefined) return none("external");
  if (archives.major === undefined) return none("included");
  const files: BackupFile[] = [];
  for (const { id } of await store.read((reader) => reader.projects())) {
    const file = dumpFile(run, id);
    const made = await archives
      .dump({ projectId: id, file, signal: run.signal })
      .catch((error: unknown) => cannotDump(error, run.signal));
    if (made) files.push({ path: dumpPath(id), ...(await measure(readFile(file), run)) });
  }
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { summary: { state: "included", postgresMajor: archives.major }, files };
}

function dumpFile({ folder }: Run, projectId: string): string {
  return path.join(folder, `${projectId}.dump`);
}

function cannotDump(cause: unknown, signal: AbortSignal): never {
  if (signal.aborted || !(cause instanceof DatabaseError)) throw cause;
  throw new ReactorError(
    "conflict",
    `Cannot make the backup with the function databases: ${cause.message}; or leave them out with --no-databases`,
    { cause },
  );
}

/** Undefined, and logged, when the blob is damaged or missing already: the others must be saved all the same. */
async function soundBlob(
  { blobs, log }: BackupsOptions,
  run: Run,
  digest: string,
): Promise<BackupFile | undefined> {
  try {
    const reading = await blobs.read(digest);
    if (reading) return { path: blobPath(digest), ...(await measure(reading.pieces, run)) };
    log.warn("A blob is missing and cannot be backed up", { digest });
  } catch (error) {
    if (!(error instanceof ReactorError) || error.code !== "bundle_invalid") throw error;
    log.warn("A blob is damaged and is left out of the backup", { digest, error: error.message });
  }
  return undefined;
}

async function measure(
  pieces: AsyncIterable<Uint8Array>,
  { signal }: Run,
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const piece of pieces) {
    signal.throwIfAborted();
    hash.update(piece);
    bytes += piece.length;
  }
  return { bytes, sha256: hash.digest("hex") };
}

function readFile(file: string): AsyncIterable<Uint8Array> {
  return createReadStream(file, { highWaterMark: pieceBytes });
}

function send(options: BackupsOptions, run: Run, manifest: BackupManifest): BackupStream {
  const { blobs, clock, log } = options;
  const head = writeManifest(manifest);
  if (head.length > manifestBytesMax) {
    throw new ReactorError(
      "storage_full",
      `Cannot make the backup: its list of ${manifest.files.length} files has ${head.length} bytes, at most ${manifestBytesMax} are possible`,
    );
  }
  const body = writeArchive(manifest, head, async (file) => {
    if (file.path === storePath) return readFile(run.file);
    const projectId = dumpedProject(file);
    if (projectId !== undefined) return readFile(dumpFile(run, projectId));
    const reading = await blobs.read(file.sha256);
    if (reading) return reading.pieces;
    throw new ReactorError(
      "storage_unavailable",
      `Cannot finish the backup: blob ${file.sha256} was removed from the bundle folder meanwhile`,
    );
  });
  const giveUp = (): void => {
    log.warn("Backup given up: nobody reads it", { backup_id: run.id, idle_ms: readerIdleMs });
    void finish("The backup was not read in time");
  };
  const finish = async (why: string): Promise<void> => {
    idle.cancel();
    await run.end(new ReactorError("storage_unavailable", why));
    // Closes the file that is being read: Node ends a process that leaves that to its collector.
    await archive.return(undefined);
  };
  let idle: Timer = clock.after(readerIdleMs, giveUp);
  async function* chunks(): AsyncGenerator<Uint8Array> {
    let whole = false;
    try {
      for await (const chunk of body) {
        run.signal.throwIfAborted();
        idle.cancel();
        idle = clock.after(readerIdleMs, giveUp);
        yield chunk;
      }
      run.signal.throwIfAborted();
      whole = true;
    } finally {
      idle.cancel();
      log.info(whole ? "Backup sent" : "Backup broken off", { backup_id: run.id });
      await run.end(stopping());
    }
  }
  const archive = chunks();
  return {
    id: run.id,
    bytes: archiveBytes(manifest, head),
    chunks: archive,
    close: () => finish("The backup was broken off"),
  };
}
