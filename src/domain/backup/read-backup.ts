import { createHash } from "node:crypto";
import { BackupFault } from "./backup-fault.ts";
import {
  type BackupFile,
  type BackupManifest,
  manifestBytesMax,
  manifestPath,
  manifestSumPath,
  parseManifest,
} from "./backup-manifest.ts";
import { type ByteSource, createByteSource } from "./byte-source.ts";
import { manifestSum } from "./manifest-sum.ts";
import {
  describeTarHeader,
  tarBlockBytes,
  tarEnd,
  tarHeader,
  tarPaddingBytes,
} from "./tar-block.ts";

/** What a reader does with a backup while it is read. */
export interface BackupVisitor {
  /** Hears the manifest before any file; may throw to end the reading. */
  readonly onManifest?: (manifest: BackupManifest) => Promise<void> | void;
  /** Takes a file's bytes. They are proven only when `readBackup` resolves. */
  readonly onFile?: (file: BackupFile, pieces: AsyncIterable<Uint8Array>) => Promise<void>;
}

/**
 * Reads a backup from its first byte to its last and proves all of them: every header and every
 * padding byte is the only possible one, every file has the digest that `backup.json` gives it, and
 * that has the digest beside it. Throws BackupFault that names the first place that is wrong. The
 * names of entries are compared, never used. Holds `backup.json` and one piece in memory.
 */
export async function readBackup(
  chunks: AsyncIterable<Uint8Array>,
  visitor: BackupVisitor = {},
): Promise<BackupManifest> {
  const source = createByteSource(chunks);
  const manifest = await readManifest(source);
  await visitor.onManifest?.(manifest);
  for (const file of manifest.files) {
    await expectHeader(source, { ...file, modifiedAtMs: manifest.createdAtMs });
    await readFile(source, file, visitor);
    await expectPadding(source, file);
  }
  const end = await source.take(tarEnd.length);
  if (end.length < tarEnd.length) throw truncated(source, "its end");
  if (Buffer.compare(end, tarEnd) !== 0) {
    const found = describeTarHeader(end.subarray(0, tarBlockBytes));
    throw new BackupFault(`The backup goes on with ${found} where it must end`);
  }
  if (await source.ended()) return manifest;
  throw new BackupFault(`The backup has bytes after its end (byte ${source.position})`);
}

/** `backup.json` and the file with its digest; their headers depend on what is inside. */
async function readManifest(source: ByteSource): Promise<BackupManifest> {
  const header = await source.take(tarBlockBytes);
  if (header.length < tarBlockBytes) throw truncated(source, manifestPath);
  const bytes = sizeIn(header);
  if (bytes > manifestBytesMax) {
    throw new BackupFault(
      `${manifestPath} says it has ${bytes} bytes, at most ${manifestBytesMax} are allowed`,
    );
  }
  const text = await source.take(bytes);
  if (text.length < bytes) throw truncated(source, manifestPath);
  await expectPadding(source, { path: manifestPath, bytes });
  const sumHeader = await source.take(tarBlockBytes);
  const sum = manifestSum(text);
  const said = await source.take(sum.length);
  if (said.length < sum.length) throw truncated(source, manifestSumPath);
  if (Buffer.compare(said, sum) !== 0) {
    throw new BackupFault(`${manifestPath} or ${manifestSumPath} is damaged: they do not agree`);
  }
  await expectPadding(source, { path: manifestSumPath, bytes: sum.length });
  const manifest = parseManifest(text);
  const modifiedAtMs = manifest.createdAtMs;
  compareHeader(header, { path: manifestPath, bytes, modifiedAtMs });
  compareHeader(sumHeader, { path: manifestSumPath, bytes: sum.length, modifiedAtMs });
  return manifest;
}

/** The size in the first header, whose name tells whether this is a backup at all. */
function sizeIn(header: Uint8Array): number {
  const field = (from: number, to: number): string =>
    Buffer.from(header.subarray(from, to)).toString("latin1");
  const named = field(0, manifestPath.length + 1) === `${manifestPath}\0`;
  const size = field(124, 136);
  if (named && /^[0-7]{11}\0$/.test(size)) return Number.parseInt(size, 8);
  throw new BackupFault(
    `This is no backup of Reactor, or its first block is damaged: it starts with ${describeTarHeader(header)}, must start with ${manifestPath}`,
  );
}

interface Expected {
  readonly path: string;
  readonly bytes: number;
  readonly modifiedAtMs: number;
}

async function expectHeader(source: ByteSource, expected: Expected): Promise<void> {
  const header = await source.take(tarBlockBytes);
  if (header.length < tarBlockBytes) throw truncated(source, expected.path);
  compareHeader(header, expected);
}

function compareHeader(header: Uint8Array, expected: Expected): void {
  if (Buffer.compare(header, tarHeader(expected)) === 0) return;
  throw new BackupFault(
    `The backup has ${describeTarHeader(header)} where the header of ${expected.path} (${expected.bytes} bytes) must be`,
  );
}

async function expectPadding(
  source: ByteSource,
  { path, bytes }: { readonly path: string; readonly bytes: number },
): Promise<void> {
  const wanted = tarPaddingBytes(bytes);
  const padding = await source.take(wanted);
  if (padding.length < wanted) throw truncated(source, path);
  if (padding.some((byte) => byte !== 0)) {
    throw new BackupFault(`The padding after ${path} is damaged: it must be zero`);
  }
}

async function readFile(
  source: ByteSource,
  file: BackupFile,
  { onFile }: BackupVisitor,
): Promise<void> {
  const hash = createHash("sha256");
  const end = source.position + file.bytes;
  async function* hashed(): AsyncGenerator<Uint8Array> {
    for await (const piece of source.pieces(file.bytes)) {
      hash.update(piece);
      yield piece;
    }
  }
  const pieces = hashed();
  if (onFile) await onFile(file, pieces);
  // What the visitor did not read must be read all the same.
  for await (const piece of pieces) void piece;
  if (source.position < end) throw truncated(source, file.path);
  const found = hash.digest("hex");
  if (found === file.sha256) return;
  throw new BackupFault(
    `${file.path} is damaged: its bytes have the digest ${found}, ${manifestPath} says ${file.sha256}`,
  );
}

function truncated(source: ByteSource, within: string): BackupFault {
  return new BackupFault(`The backup is cut off at byte ${source.position}, in ${within}`);
}
