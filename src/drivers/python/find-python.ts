import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join, sep } from "node:path";
import { ReactorError } from "../../domain/errors.ts";
import {
  findRuntimeBinary,
  onSearchPath,
  type RuntimePlaces,
} from "../process/find-runtime-binary.ts";
import { parentFolders } from "../process/sandbox-command.ts";

/** An interpreter and what it reads. */
export interface PythonInstallation {
  readonly binaryPath: string;
  /** The folder that holds its library when that is not below /usr, which every sandbox has. */
  readonly prefix: string | undefined;
}

const versionMin = { major: 3, minor: 11 } as const;
const systemFolder = "/usr";

/**
 * Finds the interpreter: the setting, the system's own, the search path. Throws
 * `unsupported_runtime` when there is none, or when instances could not read its library.
 */
export function findPython(
  places: Pick<RuntimePlaces, "setting" | "searchPath">,
): PythonInstallation {
  const binaryPath = findRuntimeBinary({
    label: "Python",
    setting: places.setting,
    candidates: ["/usr/bin/python3", ...onSearchPath(places.searchPath, "python3")],
    remedy: "Install Python 3.11 or newer: apt-get install python3",
  });
  if (binaryPath.startsWith(systemFolder + sep)) return { binaryPath, prefix: undefined };
  const prefix = prefixOf(binaryPath);
  refuseClosed(binaryPath, prefix);
  return { binaryPath, prefix };
}

/** Reads `Python 3.12.1` as `3.12.1`; throws when it is older than what the guest needs. */
export function pythonVersion(output: string): string {
  const [, version = "", major = "0", minor = "0"] =
    /^Python ((\d+)\.(\d+)\S*)/.exec(output.trim()) ?? [];
  const isNewEnough = Number(major) === versionMin.major && Number(minor) >= versionMin.minor;
  if (isNewEnough) return version;
  const found = version === "" ? `"${output.trim().slice(0, 80)}"` : version;
  throw new ReactorError(
    "unsupported_runtime",
    `Cannot run Python functions: the interpreter is ${found}, must be ${versionMin.major}.${versionMin.minor} or newer`,
    { details: { remedy: "Install Python 3.11 or newer: apt-get install python3" } },
  );
}

function prefixOf(binaryPath: string): string {
  const prefix = dirname(dirname(binaryPath));
  const library = join(prefix, "lib");
  const hasLibrary =
    existsSync(library) &&
    readdirSync(library).some((name) => existsSync(join(library, name, "os.py")));
  if (hasLibrary) return prefix;
  throw new ReactorError(
    "unsupported_runtime",
    `Cannot run Python functions: "${binaryPath}" has no library below "${library}"`,
    { details: { remedy: "Name an interpreter beside its library, such as /usr/bin/python3" } },
  );
}

/** A server that is root runs instances as other users, who must be able to pass. */
function refuseClosed(binaryPath: string, prefix: string): void {
  if (process.getuid?.() !== 0) return;
  const closed = [prefix, ...parentFolders(prefix)].find(
    (folder) => (statSync(folder).mode & 0o001) === 0,
  );
  if (closed === undefined) return;
  throw new ReactorError(
    "unsupported_runtime",
    `Cannot run Python functions with "${binaryPath}": other users cannot pass "${closed}", and instances run as other users`,
    {
      details: {
        remedy: `Use the system's Python (apt-get install python3), or open the folder: chmod o+x ${closed}`,
      },
    },
  );
}
