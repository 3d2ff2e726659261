import { join } from "node:path";
import {
  findRuntimeBinary,
  onSearchPath,
  type RuntimePlaces,
} from "../process/find-runtime-binary.ts";

/**
 * Finds the Node binary: the setting, the machine's own, the search path, the platform's npm
 * package. Throws `unsupported_runtime` when none is there.
 */
export function findNodeBinary(places: RuntimePlaces): string {
  const packaged = `node-${process.platform}-${process.arch}`;
  return findRuntimeBinary({
    label: "Node",
    setting: places.setting,
    candidates: [
      "/usr/local/bin/node",
      "/usr/bin/node",
      ...onSearchPath(places.searchPath, "node"),
      ...places.packageRoots.map((root) => join(root, "node_modules", packaged, "bin", "node")),
    ],
    remedy: "Install Node 20 or newer, or name its binary as functions.node_path",
  });
}
