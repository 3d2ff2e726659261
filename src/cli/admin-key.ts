import { open } from "node:fs/promises";
import path from "node:path";
import { CommandFailure } from "./command-failure.ts";
import type { Environment } from "./environment.ts";

const keyBytesMax = 1024;
const keyPattern = /^rk_[A-Za-z0-9_-]{16,}$/;

function candidates(env: Environment, cwd: string): readonly string[] {
  if (env["REACTOR_DATA_DIR"]) return [path.resolve(cwd, env["REACTOR_DATA_DIR"], "admin.key")];
  const files: string[] = [];
  for (let folder = path.resolve(cwd); ; folder = path.dirname(folder)) {
    files.push(path.join(folder, ".reactor", "admin.key"));
    if (folder === path.dirname(folder)) return files;
  }
}

async function readKey(file: string): Promise<string | undefined> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(file, "r");
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new CommandFailure(`Cannot read the admin key file ${file}: ${String(code)}`, {
      next: "set REACTOR_API_KEY, or run the command as the user who runs the server",
      cause,
    });
  }
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(keyBytesMax), 0, keyBytesMax, 0);
    const key = buffer.toString("utf8", 0, bytesRead).trim();
    if (keyPattern.test(key)) return key;
    throw new CommandFailure(`The file ${file} holds no API key`, {
      next: "set REACTOR_API_KEY, or let the server write the file anew",
    });
  } finally {
    await handle.close();
  }
}

/**
 * The key that a server on this machine left in its data folder: `REACTOR_DATA_DIR`, else the
 * nearest `.reactor/admin.key` from `cwd` upward. Undefined when there is none.
 */
export async function findAdminKey(env: Environment, cwd: string): Promise<string | undefined> {
  for (const file of candidates(env, cwd)) {
    const key = await readKey(file);
    if (key !== undefined) return key;
  }
  return undefined;
}
