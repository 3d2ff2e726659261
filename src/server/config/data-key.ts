import { constants, type FileHandle, link, mkdir, open, rm } from "node:fs/promises";
import path from "node:path";
import { sha256Hex } from "../../base/digest.ts";
import type { Random } from "../../base/random.ts";
import { ConfigError } from "./config-error.ts";
import { parseSetting } from "./parse-setting.ts";
import { settingTable } from "./setting-table.ts";

const keyBytes = 32;
const fileBytesMax = 256;

/** The key that encrypts secrets, and a name for it that tells nothing about it. */
export interface DataKey {
  readonly id: string;
  /** 32 bytes. */
  readonly bytes: Uint8Array;
  /** Where it came from: `setting` or the path of its file. */
  readonly origin: string;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}

/** The key in a text of base64. Throws ConfigError naming the origin when it is none. */
export function toDataKey(text: string, origin: string): DataKey {
  const parsed = parseSetting(text, settingTable.dataKey, "/");
  if (!parsed.ok) throw new ConfigError([`the data key in ${origin} must be ${parsed.must}`]);
  const bytes = Buffer.from(String(parsed.value), "base64");
  return { id: dataKeyId(String(parsed.value)), bytes, origin };
}

/** The id of a key, given as the canonical base64 of its 32 bytes. */
export function dataKeyId(base64: string): string {
  return sha256Hex(`reactor data key\n${base64}`).slice(0, 16);
}

async function checkedText(handle: FileHandle, file: string): Promise<string> {
  const state = await handle.stat();
  const uid = process.getuid?.();
  if (!state.isFile()) throw new ConfigError([`the data key file ${file} is not a regular file`]);
  if ((state.mode & 0o077) !== 0) {
    const mode = (state.mode & 0o777).toString(8).padStart(4, "0");
    throw new ConfigError([
      `the data key file ${file} has mode ${mode}, other users may read or change it; it must be 0600: chmod 600 ${file}`,
    ]);
  }
  if (uid !== undefined && uid !== 0 && state.uid !== uid) {
    throw new ConfigError([`the data key file ${file} belongs to another user (uid ${state.uid})`]);
  }
  const { bytesRead, buffer } = await handle.read(Buffer.alloc(fileBytesMax), 0, fileBytesMax, 0);
  return buffer.toString("latin1", 0, bytesRead).trim();
}

/** Reads and checks the key file; undefined when there is none. Links are not followed. */
export async function readDataKeyFile(file: string): Promise<DataKey | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return undefined;
    const reason = codeOf(cause) === "ELOOP" ? "it is a symbolic link" : String(cause);
    throw new ConfigError([`the data key file ${file} cannot be read: ${reason}`], { cause });
  }
  try {
    return toDataKey(await checkedText(handle, file), file);
  } finally {
    await handle.close();
  }
}

/** Writes a fresh key beside the file and links it in place, so that a crash leaves all of it or nothing. */
export async function createDataKeyFile(file: string, random: Random): Promise<void> {
  const folder = path.dirname(file);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const draft = `${file}.${Buffer.from(random.bytes(8)).toString("hex")}`;
  const handle = await open(draft, "wx", 0o600);
  try {
    await handle.writeFile(`${Buffer.from(random.bytes(keyBytes)).toString("base64")}\n`);
    await handle.sync();
    await handle.close();
    await link(draft, file);
  } catch (cause) {
    // Another server was faster: its key is the one that counts.
    if (codeOf(cause) !== "EEXIST") throw cause;
  } finally {
    await handle.close();
    await rm(draft, { force: true });
  }
  const directory = await open(folder, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/**
 * The master key: the setting when there is one, else the file, which is made on first start with
 * mode 0600. Throws ConfigError when the file is unusable or open to other users.
 */
export async function loadDataKey(options: {
  readonly dataKey: string | undefined;
  readonly file: string;
  readonly random: Random;
  /** Runs before a fresh key is made; throws when that must not be. */
  readonly beforeMaking?: () => Promise<void>;
}): Promise<DataKey> {
  if (options.dataKey !== undefined) return toDataKey(options.dataKey, "setting");
  const known = await readDataKeyFile(options.file);
  if (known !== undefined) return known;
  await options.beforeMaking?.();
  await createDataKeyFile(options.file, options.random).catch((cause: unknown) => {
    throw new ConfigError([`the data key file ${options.file} cannot be made: ${String(cause)}`], {
      cause,
    });
  });
  const made = await readDataKeyFile(options.file);
  if (made === undefined) {
    throw new ConfigError([
      `the data key file ${options.file} was removed while it was being made`,
    ]);
  }
  return made;
}
