import { createHash } from "node:crypto";
import { closeSync, fchmodSync, ftruncateSync, mkdirSync, openSync, type Stats } from "node:fs";
import { open, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { SnapshotFiles } from "./machine.ts";

const chunkBytes = 2 * 1024 * 1024;
const zeros = Buffer.alloc(chunkBytes);
const bytesPerMb = 1024 * 1024;
const recordBytesMax = 4096;

const fileShape = z.strictObject({
  bytes: z.int().positive(),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
});
const recordShape = z.strictObject({
  format: z.literal(1),
  key: z.string(),
  /** The deployment whose code it holds; absent where it holds none. */
  deploymentId: z.string().optional(),
  ram: fileShape,
  state: fileShape,
});
type TemplateRecord = z.infer<typeof recordShape>;

/** Where the parts of the template in a folder are. */
export function templateFiles(folder: string): SnapshotFiles & { readonly recordPath: string } {
  return {
    ramPath: join(folder, "ram"),
    statePath: join(folder, "state"),
    recordPath: join(folder, "template.json"),
  };
}

/** Makes the folder with files for a machine that is booted `into` it; its memory takes no block of the disk yet. */
export function makeTemplateFiles(folder: string, memoryMb: number): SnapshotFiles {
  mkdirSync(folder, { mode: 0o700 });
  const files = templateFiles(folder);
  makeFile(files.ramPath, memoryMb * bytesPerMb);
  makeFile(files.statePath, 0);
  return files;
}

function makeFile(path: string, bytes: number): void {
  const descriptor = openSync(path, "wx");
  try {
    ftruncateSync(descriptor, bytes);
    // The user of any monitor may write; nobody else passes the folder, so only who inherits it open can.
    fchmodSync(descriptor, 0o666);
  } finally {
    closeSync(descriptor);
  }
}

/** Writes what the files of a finished template hold, by which `isIntact` knows them again. */
export async function writeRecord(
  folder: string,
  { key, deploymentId }: Pick<TemplateRecord, "key" | "deploymentId">,
): Promise<void> {
  const { ramPath, statePath, recordPath } = templateFiles(folder);
  const ram = await digestOf(ramPath);
  const state = await digestOf(statePath);
  const record: TemplateRecord = { format: 1, key, deploymentId, ram, state };
  await writeFile(recordPath, JSON.stringify(record));
}

/** The deployment whose code the template in a folder holds; undefined when it holds none. */
export async function deploymentOf(folder: string): Promise<string | undefined> {
  return (await readRecord(templateFiles(folder).recordPath))?.deploymentId;
}

/** Whether a folder holds the template of this key, and every byte of it is as it was written. */
export async function isIntact(folder: string, key: string): Promise<boolean> {
  const { ramPath, statePath, recordPath } = templateFiles(folder);
  const record = await readRecord(recordPath);
  if (record === undefined || record.key !== key) return false;
  return (await isSame(statePath, record.state)) && (await isSame(ramPath, record.ram));
}

/** What tells whether the files of a template were written, cut or replaced; cheap to compare. */
export interface TemplateIdentity {
  readonly text: string;
  /** When the last of them changed. The kernel sets it, and nobody can set it back. */
  readonly changedMs: number;
}

/** Rejects when one of the files is missing. */
export async function identityOf(folder: string): Promise<TemplateIdentity> {
  const states = await Promise.all(Object.values(templateFiles(folder)).map((path) => stat(path)));
  return {
    text: states.map(({ ino, size, ctimeMs }) => `${ino}:${size}:${ctimeMs}`).join(" "),
    changedMs: Math.max(...states.map(({ ctimeMs }) => ctimeMs)),
  };
}

/** Bytes that a folder's template takes on the disk, where holes take none. */
export async function diskBytes(folder: string): Promise<number> {
  const { ramPath, statePath } = templateFiles(folder);
  const states = await Promise.all([stat(ramPath), stat(statePath)]);
  return states.reduce((sum, { blocks }: Stats) => sum + blocks * 512, 0);
}

async function readRecord(path: string): Promise<TemplateRecord | undefined> {
  try {
    if ((await stat(path)).size > recordBytesMax) return undefined;
    return recordShape.safeParse(JSON.parse(await readFile(path, "utf8"))).data;
  } catch {
    // Absent, or no JSON: no template.
    return undefined;
  }
}

async function isSame(path: string, expected: TemplateRecord["ram"]): Promise<boolean> {
  try {
    if ((await stat(path)).size !== expected.bytes) return false;
    return (await digestOf(path)).digest === expected.digest;
  } catch {
    // A part that cannot be read makes no template.
    return false;
  }
}

/** Of a file's size and its chunks that are not all zeros: most of a machine's memory is. */
async function digestOf(path: string): Promise<{ bytes: number; digest: string }> {
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(chunkBytes);
  const file = await open(path, "r");
  try {
    let bytes = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, chunkBytes, bytes);
      if (bytesRead === 0) break;
      const chunk = buffer.subarray(0, bytesRead);
      if (!chunk.equals(zeros.subarray(0, bytesRead))) hash.update(`${bytes}\n`).update(chunk);
      bytes += bytesRead;
    }
    return { bytes, digest: hash.update(`end ${bytes}`).digest("hex") };
  } finally {
    await file.close();
  }
}
