import { createReadStream } from "node:fs";
import { BackupFault } from "../../domain/backup/backup-fault.ts";

const pieceBytes = 256 * 1024;

/** The bytes of a backup file. Throws BackupFault when it cannot be read. */
export async function* backupChunks(file: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of createReadStream(file, { highWaterMark: pieceBytes })) {
      signal.throwIfAborted();
      yield piece as Uint8Array;
    }
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new BackupFault(`Cannot read ${file}: ${String(cause)}`, { cause });
  }
}
