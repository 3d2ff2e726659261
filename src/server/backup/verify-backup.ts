import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Clock } from "../../base/clock.ts";
import { type BackupManifest, storePath } from "../../domain/backup/backup-manifest.ts";
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
      async onFile({ path: name }, pieces) {
        if (name === storePath) await writePieces(copy, pieces);
      },
    });
    await checkStoreCopy(copy, manifest, clock);
    return manifest;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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
