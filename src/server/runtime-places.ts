import type { RuntimePlaces } from "../drivers/process/find-runtime-binary.ts";
import { packageRoot } from "./package-root.ts";

/** Where runtimes are looked for. */
export function runtimePlaces(searchPath: string | undefined): Omit<RuntimePlaces, "setting"> {
  return { packageRoots: [packageRoot], searchPath };
}
