import type { Isolation, Runtime } from "./manifest.ts";
import { invalidManifest, type ManifestReader } from "./manifest-reader.ts";

/** Whether instances begin from a snapshot; refused where there can be none, or it would hold a variable. */
export function parseSnapshot(
  read: ManifestReader,
  runtime: Runtime,
  isolation: Isolation,
): boolean {
  if (read.boolean("/snapshot") !== true) return false;
  if (isolation !== "microvm" || runtime === "lambda") {
    throw invalidManifest(
      "/snapshot",
      `only microVMs of bun, node and python begin from a snapshot, and this is ${runtime} at isolation "${isolation}"; set isolation to "microvm" or leave the key out`,
    );
  }
  for (const name of ["env_keys", "secret_keys"]) {
    if ((read.strings(`/${name}`) ?? []).length === 0) continue;
    throw invalidManifest(
      "/snapshot",
      `a snapshot holds no variables, and ${name} lists some; empty the list or leave the key out`,
    );
  }
  return true;
}
