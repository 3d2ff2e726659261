import { readdirSync } from "node:fs";
import { join } from "node:path";
import {
  findRuntimeBinary,
  onSearchPath,
  type RuntimePlaces,
} from "../process/find-runtime-binary.ts";

/**
 * Finds the Bun binary: the setting, the platform's npm package, the wrapper package if its script
 * ran, the engine itself if it is Bun, the search path. Throws `unsupported_runtime` when none is there.
 */
export function findBunBinary(places: RuntimePlaces): string {
  const modules = places.packageRoots.map((root) => join(root, "node_modules"));
  return findRuntimeBinary({
    label: "Bun",
    setting: places.setting,
    candidates: [
      ...modules.flatMap((folder) => platformPackages(join(folder, "@oven"))),
      ...modules.map((folder) => join(folder, "bun", "bin", "bun.exe")),
      ...("bun" in process.versions ? [process.execPath] : []),
      ...onSearchPath(places.searchPath, "bun"),
    ],
    remedy: "Run npm ci, or put bun on the search path",
  });
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
