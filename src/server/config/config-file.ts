import { open } from "node:fs/promises";
import { parse, TomlError } from "smol-toml";
import { ConfigError } from "./config-error.ts";

/** Far above any real file; a hostile one costs milliseconds. */
const fileBytesMax = 262_144;
const depthMax = 16;

/** A value at a dotted path of the file. */
export interface FileEntry {
  readonly path: string;
  readonly value: unknown;
  readonly line: number | undefined;
}

/** Text of a file, or undefined when there is none. Throws when it cannot be read or is too large. */
export type ReadFile = (file: string) => Promise<string | undefined>;

/** Reads a configuration file from disk, at most 256 KiB of UTF-8. */
export const readConfigFile: ReadFile = async (file) => {
  const handle = await open(file, "r").catch((cause: unknown) => {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw new ConfigError([`${file} cannot be read: ${String(cause)}`], { cause });
  });
  if (handle === undefined) return undefined;
  try {
    const state = await handle.stat();
    if (!state.isFile()) throw new ConfigError([`${file} is not a regular file`]);
    const buffer = Buffer.alloc(fileBytesMax + 1);
    let bytes = 0;
    for (let read = -1; read !== 0 && bytes < buffer.length; bytes += read) {
      read = (await handle.read(buffer, bytes, buffer.length - bytes, bytes)).bytesRead;
    }
    if (bytes > fileBytesMax) {
      throw new ConfigError([`${file} is larger than ${fileBytesMax} bytes`]);
    }
    return new TextDecoder("utf-8", { fatal: true }).decode(buffer.subarray(0, bytes));
  } catch (cause) {
    if (cause instanceof TypeError) throw new ConfigError([`${file} is not UTF-8 text`], { cause });
    throw cause;
  } finally {
    await handle.close();
  }
};

/** Line numbers of `key =` lines by dotted path, for messages. The parser itself tells none. */
function linesOf(text: string): ReadonlyMap<string, number> {
  const lines = new Map<string, number>();
  let table = "";
  text.split("\n").forEach((line, index) => {
    const header = /^\s*\[{1,2}\s*([^\]]{1,200})\]/.exec(line)?.[1];
    const key = /^\s*([A-Za-z0-9_."'-]{1,200})\s*=/.exec(line)?.[1];
    const bare = (name: string): string => name.replaceAll(/["'\s]/g, "");
    if (header !== undefined) {
      table = bare(header);
      lines.set(table, index + 1);
    } else if (key !== undefined) {
      lines.set(table === "" ? bare(key) : `${table}.${bare(key)}`, index + 1);
    }
  });
  return lines;
}

function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return Object.prototype.toString.call(value) === "[object Object]";
}

/**
 * Reads TOML and returns its values. A table is only entered when `isPrefix` knows its path, so that
 * an unknown table is one entry. Throws ConfigError that names the line; a message never shows the
 * file's own text, since that may hold a secret.
 */
export function parseConfigFile(
  text: string,
  options: { readonly file: string; readonly isPrefix: (path: string) => boolean },
): readonly FileEntry[] {
  let root: Readonly<Record<string, unknown>>;
  try {
    root = parse(text, { maxDepth: depthMax, unsafeKeyBehaviour: "throw" });
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const reason = cause.message.split("\n", 1)[0]?.replace("Invalid TOML document: ", "");
    throw new ConfigError([`${options.file} line ${cause.line} is not TOML: ${reason}`]);
  }
  const lines = linesOf(text);
  const entries: FileEntry[] = [];
  const visit = (table: Readonly<Record<string, unknown>>, prefix: string): void => {
    for (const [key, value] of Object.entries(table)) {
      const path = prefix + key;
      if (isTable(value) && options.isPrefix(path)) visit(value, `${path}.`);
      else entries.push({ path, value, line: lines.get(path) });
    }
  };
  visit(root, "");
  return entries;
}
