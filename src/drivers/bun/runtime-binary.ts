import { closeSync, openSync, readdirSync, readSync, realpathSync } from "node:fs";
import { delimiter, join } from "node:path";
import { ReactorError } from "../../domain/errors.ts";

const elfMagic = "\x7fELF";

export interface RuntimeBinaryOptions {
  /** The operator's setting; wins, and must be a binary. */
  readonly setting: string | undefined;
  /** Folders whose `node_modules` may hold the runtime's package. */
  readonly packageRoots: readonly string[];
  /** The search path of the environment. */
  readonly searchPath: string | undefined;
}

/**
 * Finds the Bun binary: the setting, the platform's npm package, the wrapper package if its script
 * ran, the engine itself if it is Bun, the search path. Throws `unsupported_runtime` when none is there.
 */
export function findBunBinary(options: RuntimeBinaryOptions): string {
  if (options.setting !== undefined) {
    if (isBinary(options.setting)) return realpathSync(options.setting);
    throw new ReactorError(
      "unsupported_runtime",
      `Cannot run Bun functions: "${options.setting}" is no binary`,
      { details: { remedy: "Correct the setting of the bun runtime" } },
    );
  }
  const found = candidates(options).find(isBinary);
  if (found !== undefined) return realpathSync(found);
  throw new ReactorError(
    "unsupported_runtime",
    "Cannot run Bun functions: no bun binary in node_modules or on the search path",
    { details: { remedy: "Run npm ci, or put bun on the search path" } },
  );
}

function candidates(options: RuntimeBinaryOptions): string[] {
  const modules = options.packageRoots.map((root) => join(root, "node_modules"));
  return [
    ...modules.flatMap((folder) => platformPackages(join(folder, "@oven"))),
    ...modules.map((folder) => join(folder, "bun", "bin", "bun.exe")),
    ...("bun" in process.versions ? [process.execPath] : []),
    ...(options.searchPath ?? "")
      .split(delimiter)
      .flatMap((dir) => (dir === "" ? [] : join(dir, "bun"))),
  ];
}

/** Binaries of packages such as `@oven/bun-linux-x64`, the one for every CPU (`-baseline`) last. */
function platformPackages(scope: string): string[] {
  const libc = isMusl() ? "-musl" : "";
  const base = `bun-${process.platform}-${process.arch === "arm64" ? "aarch64" : process.arch}${libc}`;
  return entriesOf(scope)
    .filter((name) => name === base || name === `${base}-baseline`)
    .sort()
    .map((name) => join(scope, name, "bin", "bun"));
}

function isMusl(): boolean {
  return entriesOf("/lib").some((name) => name.startsWith("ld-musl-"));
}

function entriesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    // A folder that is not there has no candidates.
    return [];
  }
}

/** Whether the file is an ELF program: the wrapper package ships a script in its place. */
function isBinary(path: string): boolean {
  try {
    const descriptor = openSync(path, "r");
    try {
      const head = Buffer.alloc(4);
      return readSync(descriptor, head, 0, 4, 0) === 4 && head.toString("latin1") === elfMagic;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // Absent or unreadable.
    return false;
  }
}
