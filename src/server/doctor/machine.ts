import { constants } from "node:fs";
import { access, readFile } from "node:fs/promises";
import path from "node:path";
import { type RunTool, runTool } from "../../drivers/process/run-tool.ts";
import type { Environment } from "../config/load-config.ts";

/** How the checks look at the machine; tests put a made-up one in its place. */
export interface Machine {
  readonly run: RunTool;
  /** Absolute path of a program on PATH or in a folder of system programs; an absolute one as it is. */
  find(name: string): Promise<string | undefined>;
  /** Text of a file such as /proc/meminfo, at most a few kilobytes; undefined when it cannot be read. */
  read(file: string): Promise<string | undefined>;
  /** Whether this user may read and write the file. */
  mayUse(file: string): Promise<boolean>;
  readonly versions: Readonly<Record<string, string | undefined>>;
  readonly uid: number;
}

const systemFolders = [
  "/usr/local/bin",
  "/usr/bin",
  "/bin",
  "/usr/local/sbin",
  "/usr/sbin",
  "/sbin",
];

function permits(file: string, mode: number): Promise<boolean> {
  return access(file, mode).then(
    () => true,
    () => false,
  );
}

/** This machine, with PATH from the environment that was handed in. */
export function createMachine(env: Environment): Machine {
  const folders = [...(env["PATH"] ?? "").split(":"), ...systemFolders].filter((folder) =>
    path.isAbsolute(folder),
  );
  return {
    run: runTool,
    async find(name) {
      const files = path.isAbsolute(name)
        ? [name]
        : [...new Set(folders)].map((f) => path.join(f, name));
      for (const file of files) if (await permits(file, constants.X_OK)) return file;
      return undefined;
    },
    mayUse: (file) => permits(file, constants.R_OK | constants.W_OK),
    read: (file) =>
      readFile(file, "utf8").then(
        (text) => text,
        () => undefined,
      ),
    versions: process.versions,
    uid: process.getuid?.() ?? 0,
  };
}
