import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Clock } from "../../base/clock.ts";
import { BackupFault } from "../../domain/backup/backup-fault.ts";
import {
  type BackupFile,
  type BackupManifest,
  dumpedProject,
  storePath,
} from "../../domain/backup/backup-manifest.ts";
import { readBackup } from "../../domain/backup/read-backup.ts";
import { backupChunks } from "./backup-chunks.ts";
import { checkStoreCopy } from "./check-store-copy.ts";

/** Proves every byte of a backup file, and that its store opens. Throws BackupFault. */
export async function verifyBackup(options: {
  readonly file: string;
  readonly signal: AbortSignal;
  readonly clock: Clock;
}): Promise<BackupManifest> {
  const { file, signal, clock } = options;
  const folder = await mkdtemp(path.join(tmpdir(), "reactor-verify-"));
  try {
    const copy = path.join(folder, storePath);
    const manifest = await readBackup(backupChunks(file, signal), {
      async onFile(file, pieces) {
        if (file.path === storePath) await writePieces(copy, pieces);
        else if (dumpedProject(file) !== undefined) await requireArchive(file, pieces);
      },
    });
    await checkStoreCopy(copy, manifest, clock);
    return manifest;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What every archive of `pg_dump` in its custom format begins with. */
const archiveMark = "PGDMP";

async function requireArchive(file: BackupFile, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  let head = Buffer.alloc(0);
  for await (const piece of pieces) {
    if (head.length < archiveMark.length) head = Buffer.concat([head, piece]);
  }
  if (head.toString("latin1", 0, archiveMark.length) === archiveMark) return;
  throw new BackupFault(`${file.path} is no archive of pg_dump`);
}

/** Writes a new file with mode 0600 and makes its content durable. */
export async function writePieces(
  file: string,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  const handle = await open(file, "wx", 0o600);
  try {
    for await (const piece of pieces) await handle.writeFile(piece);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
