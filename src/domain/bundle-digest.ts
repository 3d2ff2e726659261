import { sha256Hex } from "../base/digest.ts";
import { isManifestFile } from "./manifest-file.ts";

/**
 * The canonical digest of a bundle: SHA-256, in hex, over one line `path NUL sha256(content) LF`
 * per file, in the order of the paths' UTF-8 bytes. The manifest in the root is left out, so that
 * it can name the digest; folders, modes, times and the kind of archive do not count.
 */
export function bundleDigest(files: ReadonlyMap<string, Uint8Array>): string {
  const lines = sortedBundlePaths(files.keys())
    .filter((path) => !isManifestFile(path))
    .map((path) => `${path}\0${sha256Hex(files.get(path) ?? new Uint8Array())}\n`);
  return sha256Hex(lines.join(""));
}

/** The paths in the order of their UTF-8 bytes, which JavaScript's own string order is not. */
export function sortedBundlePaths(paths: Iterable<string>): readonly string[] {
  return [...paths]
    .map((path) => ({ path, bytes: Buffer.from(path) }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ path }) => path);
}
