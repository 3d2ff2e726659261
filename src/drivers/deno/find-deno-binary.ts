import { join } from "node:path";
import {
  findRuntimeBinary,
  onSearchPath,
  type RuntimePlaces,
} from "../process/find-runtime-binary.ts";

/**
 * Finds the Deno binary: the setting, the platform's npm package, the wrapper package if its script
 * ran, the search path. Throws `unsupported_runtime` when none is there.
 */
export function findDenoBinary(places: RuntimePlaces): string {
  const modules = places.packageRoots.map((root) => join(root, "node_modules"));
  const platformPackage = `linux-${process.arch}-glibc`;
  return findRuntimeBinary({
    label: "Deno",
    setting: places.setting,
    candidates: [
      ...modules.map((folder) => join(folder, "@deno", platformPackage, "deno")),
      ...modules.map((folder) => join(folder, "deno", "deno")),
      ...onSearchPath(places.searchPath, "deno"),
    ],
    remedy: "Run npm ci, put deno on the search path, or name it in functions.deno_path",
  });
}
