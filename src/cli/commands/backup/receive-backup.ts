import { type FileHandle, lstat, open, rename, rm } from "node:fs/promises";
import path from "node:path";
import type { BackupDownload } from "../../../client/server-calls.ts";
import { BackupFault } from "../../../domain/backup/backup-fault.ts";
import type { BackupManifest } from "../../../domain/backup/backup-manifest.ts";
import { readBackup } from "../../../domain/backup/read-backup.ts";
import { CommandFailure } from "../../command-failure.ts";

export interface ReceiveOptions {
  /** Absolute path of the backup; must not exist. */
  readonly file: string;
  readonly signal: AbortSignal;
  readonly download: () => Promise<BackupDownload>;
  /** Hears how much has come so far. */
  readonly onBytes: (bytes: number) => void;
}

/**
 * Writes a backup beside its file, checks every byte on the way, makes it durable and only then
 * gives it its name: whatever interrupts it leaves no file of that name. Throws CommandFailure.
 */
export async function receiveBackup(
  options: ReceiveOptions,
): Promise<{ readonly manifest: BackupManifest; readonly bytes: number }> {
  const { file, download, signal } = options;
  await refuseExisting(file);
  const draft = `${file}.part-${process.pid}`;
  const handle = await open(draft, "wx", 0o600).catch((cause: unknown) => cannotWrite(file, cause));
  try {
    const { body } = await download();
    const written = { bytes: 0 };
    const writing = write(body, handle, written, options);
    const manifest = await readBackup(writing).catch((cause: unknown) =>
      explain(cause, file, signal),
    );
    await handle.sync();
    await handle.close();
    await refuseExisting(file);
    await rename(draft, file);
    await syncFolder(path.dirname(file));
    return { manifest, bytes: written.bytes };
  } finally {
    await handle.close();
    await rm(draft, { force: true });
  }
}

async function* write(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  handle: FileHandle,
  written: { bytes: number },
  { file, signal, onBytes }: ReceiveOptions,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    signal.throwIfAborted();
    await handle.writeFile(chunk).catch((cause: unknown) => cannotWrite(file, cause));
    written.bytes += chunk.length;
    onBytes(written.bytes);
    yield chunk;
  }
}

function explain(cause: unknown, file: string, signal: AbortSignal): never {
  if (cause instanceof CommandFailure || signal.aborted) throw cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  throw new CommandFailure(
    cause instanceof BackupFault
      ? `The backup did not come in whole, ${file} was not written: ${why}`
      : `The connection broke before the backup was whole, ${file} was not written: ${why}`,
    { next: "take it again; the server's log says why when the server ended it", cause },
  );
}

async function refuseExisting(file: string): Promise<void> {
  try {
    await lstat(file);
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return;
    cannotWrite(file, cause);
  }
  throw new CommandFailure(`Cannot write the backup: ${file} exists already`, {
    next: "choose another name with --output, or move that file away",
  });
}

function cannotWrite(file: string, cause: unknown): never {
  const full = codeOf(cause) === "ENOSPC" || codeOf(cause) === "EDQUOT";
  throw new CommandFailure(
    full
      ? `The disk is full, ${file} was not written`
      : `Cannot write the backup to ${file}: ${cause instanceof Error ? cause.message : String(cause)}`,
    { next: "choose a folder with more space, that you may write to, with --output", cause },
  );
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

async function syncFolder(folder: string): Promise<void> {
  const directory = await open(folder, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
