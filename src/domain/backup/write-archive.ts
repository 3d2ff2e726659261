import {
  type BackupFile,
  type BackupManifest,
  manifestPath,
  manifestSumPath,
} from "./backup-manifest.ts";
import { manifestSum } from "./manifest-sum.ts";
import { tarEnd, tarEntryBytes, tarHeader, tarPaddingBytes } from "./tar-block.ts";

/** Bytes that `writeArchive` makes. */
export function archiveBytes(manifest: BackupManifest, head: Uint8Array): number {
  const sizes = [
    head.length,
    manifestSum(head).length,
    ...manifest.files.map((file) => file.bytes),
  ];
  return sizes.reduce((sum, bytes) => sum + tarEntryBytes(bytes), tarEnd.length);
}

/**
 * A backup as its bytes: the manifest (`head` is its text), the manifest's digest, then the files as
 * `open` gives them. `open` must give as many bytes as the manifest says.
 */
export async function* writeArchive(
  manifest: BackupManifest,
  head: Uint8Array,
  open: (file: BackupFile) => Promise<AsyncIterable<Uint8Array>>,
): AsyncGenerator<Uint8Array> {
  const modifiedAtMs = manifest.createdAtMs;
  const small = [
    { path: manifestPath, content: head },
    { path: manifestSumPath, content: manifestSum(head) },
  ];
  for (const { path, content } of small) {
    const bytes = content.length;
    yield Buffer.concat([tarHeader({ path, bytes, modifiedAtMs }), content, padding(bytes)]);
  }
  for (const file of manifest.files) {
    yield tarHeader({ ...file, modifiedAtMs });
    let sent = 0;
    for await (const piece of await open(file)) {
      sent += piece.length;
      yield piece;
    }
    if (sent !== file.bytes) {
      throw new Error(`${file.path} has ${sent} bytes, it had ${file.bytes} when it was measured`);
    }
    if (tarPaddingBytes(file.bytes) > 0) yield padding(file.bytes);
  }
  yield tarEnd;
}

function padding(bytes: number): Uint8Array {
  return new Uint8Array(tarPaddingBytes(bytes));
}
