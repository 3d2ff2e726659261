import { closeSync, openSync, readSync, realpathSync } from "node:fs";
import { delimiter, join } from "node:path";
import { ReactorError } from "../../domain/errors.ts";

const elfMagic = "\x7fELF";

/** Where a machine may keep a runtime. */
export interface RuntimePlaces {
  /** The operator's setting; wins, and must be a binary. */
  readonly setting: string | undefined;
  /** Folders whose `node_modules` may hold the runtime's package. */
  readonly packageRoots: readonly string[];
  /** The search path of the environment. */
  readonly searchPath: string | undefined;
}

export interface RuntimeBinaryQuery {
  /** The runtime's name in messages, e.g. `Bun`. */
  readonly label: string;
  readonly setting: string | undefined;
  /** Paths to try in order, e.g. of packages. */
  readonly candidates: readonly string[];
  /** What to do when there is none; one sentence. */
  readonly remedy: string;
}

/** Finds a runtime's binary, links resolved. Throws `unsupported_runtime` with `details.remedy` when there is none. */
export function findRuntimeBinary(query: RuntimeBinaryQuery): string {
  const { label, setting, candidates, remedy } = query;
  if (setting !== undefined) {
    if (isBinary(setting)) return realpathSync(setting);
    throw missing(
      `Cannot run ${label} functions: "${setting}" is no binary`,
      `Correct the setting of the path of ${label}`,
    );
  }
  const found = candidates.find(isBinary);
  if (found !== undefined) return realpathSync(found);
  throw missing(`Cannot run ${label} functions: there is no ${label} on this machine`, remedy);
}

/** The program's place in every folder of a search path. */
export function onSearchPath(searchPath: string | undefined, program: string): string[] {
  return (searchPath ?? "")
    .split(delimiter)
    .flatMap((folder) => (folder === "" ? [] : join(folder, program)));
}

function missing(message: string, remedy: string): ReactorError {
  return new ReactorError("unsupported_runtime", message, { details: { remedy } });
}

/** Whether the file is an ELF program: wrapper packages and version managers put scripts in its place. */
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
