import { sha256Hex } from "../../../base/digest.ts";
import { fileDigest } from "./file-digest.ts";
import type { RootEntry } from "./root-tree.ts";

/** Digest of everything that a root holds, without writing it: names, contents, permissions, links. */
export async function sourceDigest(entries: readonly RootEntry[]): Promise<string> {
  const lines: unknown[] = [];
  for (const entry of entries) {
    const { kind, path } = entry;
    if (kind === "folder") lines.push([kind, path]);
    else if (kind === "link") lines.push([kind, path, entry.target]);
    else if (kind === "content") lines.push(["file", path, sha256Hex(entry.content)]);
    else {
      const { from, executable, modified } = entry;
      lines.push(["file", path, await fileDigest(from), executable, modified]);
    }
  }
  return sha256Hex(JSON.stringify(lines));
}
