import { stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { imageFailure } from "./image-failure.ts";
import { type ImageTools, runImageTool } from "./image-tools.ts";
import type { RootEntry } from "./root-tree.ts";

const blockBytes = 4096;
const inodeBytes = 256;
/** Everything of the file system that is drawn or taken from the clock, fixed. */
const fixed = {
  uuid: "00000000-0000-4000-8000-000000000001",
  hashSeed: "00000000-0000-4000-8000-000000000002",
  /** 2020-01-01; zero would mean the clock. */
  seconds: 1_577_836_800,
} as const;
/** Only what a file system that is never written to needs. */
const features = "none,extent,filetype,sparse_super,large_file";
/** Blocks beyond what contents and inodes take, of which directories and bitmaps come. */
const spareBlocks = 1024;

export interface Ext4Order {
  /** The file to make. */
  readonly file: string;
  /** A folder for what is needed meanwhile. */
  readonly workDir: string;
  readonly entries: readonly RootEntry[];
}

/**
 * Writes a file system of the entries, without privileges. The same entries give the same bytes,
 * whoever runs it and whatever the folders of this machine look like: each entry is written by itself,
 * in order, as root's. (`mke2fs -d` takes owners, times and order from the machine.)
 */
export async function writeExt4(
  { file, workDir, entries }: Ext4Order,
  tools: Pick<ImageTools, "mke2fs" | "debugfs" | "env">,
): Promise<void> {
  const time = [`E2FSPROGS_FAKE_TIME=${fixed.seconds}`, "MKE2FS_CONFIG=/dev/null"];
  const inodes = entries.length + 64;
  const blocks = await blocksOf(entries, inodes);
  // biome-ignore format: one line for each kind of option
  await runImageTool(tools.env, [
    ...time, tools.mke2fs,
    "-q", "-F", "-t", "ext4", "-O", features, "-m", "0", "-N", String(inodes),
    "-b", String(blockBytes), "-I", String(inodeBytes), "-U", fixed.uuid,
    "-E", `hash_seed=${fixed.hashSeed},root_owner=0:0,lazy_itable_init=0,nodiscard`,
    file, String(blocks),
  ]);
  const script = join(workDir, "root.debugfs");
  await writeFile(script, `${(await commandsOf(entries, workDir)).join("\n")}\n`);
  const args = [...time, tools.debugfs, "-w", "-f", script, file];
  const { stderr } = await runImageTool(tools.env, args);
  // Its exit code does not tell that a command failed; it greets on stderr.
  const wrong = stderr.split("\n").filter((line) => line !== "" && !/^debugfs \d/.test(line));
  if (wrong.length === 0) return;
  throw imageFailure(
    `Cannot write the root of an image: ${wrong.slice(0, 3).join("; ")}`,
    "Is the disk full? Else try another version of e2fsprogs",
  );
}

async function blocksOf(entries: readonly RootEntry[], inodes: number): Promise<number> {
  let blocks = Math.ceil((inodes * inodeBytes) / blockBytes) + spareBlocks;
  for (const entry of entries) {
    if (entry.kind === "folder") blocks += 1;
    else if (entry.kind === "file") blocks += blocksOfBytes((await stat(entry.from)).size);
    else if (entry.kind === "content") blocks += blocksOfBytes(entry.content.length * 2);
    else blocks += 1;
  }
  // Bitmaps, and extents of files that are in pieces.
  return blocks + Math.ceil(blocks / 64);
}

function blocksOfBytes(bytes: number): number {
  return Math.ceil(bytes / blockBytes);
}

async function commandsOf(entries: readonly RootEntry[], workDir: string): Promise<string[]> {
  const commands: string[] = [];
  for (const [index, entry] of entries.entries()) {
    const { path } = entry;
    // Its commands take a name in the folder that it is in.
    commands.push(`cd ${quoted(dirname(path))}`);
    if (entry.kind === "folder") commands.push(`mkdir ${quoted(basename(path))}`);
    else if (entry.kind === "link") {
      commands.push(`symlink ${quoted(basename(path))} ${quoted(entry.target)}`);
    } else if (entry.kind === "file") {
      commands.push(...fileCommands({ path, from: entry.from, executable: entry.executable }));
      if (entry.modified !== undefined) {
        commands.push(`set_inode_field ${quoted(path)} mtime @${entry.modified}`);
      }
    } else {
      const from = join(workDir, `content-${index}`);
      await writeFile(from, entry.content);
      commands.push(...fileCommands({ path, from, executable: false }));
    }
  }
  return commands;
}

interface FileOrder {
  readonly path: string;
  readonly from: string;
  readonly executable: boolean;
}

function fileCommands({ path, from, executable }: FileOrder): string[] {
  return [
    `write ${quoted(from)} ${quoted(basename(path))}`,
    `set_inode_field ${quoted(path)} mode 0100${executable ? "755" : "644"}`,
  ];
}

function quoted(word: string): string {
  if (/["\n\r\0]/.test(word)) throw new Error(`Cannot put ${JSON.stringify(word)} into an image`);
  return `"${word}"`;
}
