import { sha256Hex } from "../../base/digest.ts";
import { manifestPath } from "./backup-manifest.ts";

/** The content of `backup.json.sha256`, as `sha256sum --check` reads it. */
export function manifestSum(manifest: Uint8Array): Uint8Array {
  return Buffer.from(`${sha256Hex(manifest)}  ${manifestPath}\n`);
}
