import { packTar } from "modern-tar";
import { sortedBundlePaths } from "../../domain/bundle-digest.ts";

const ustarNameBytesMax = 100;

/**
 * One tar archive per set of files, always the same bytes: sorted by path, no times, owners or
 * modes, no compression (whose output differs between engines). This is what is kept of an upload.
 */
export async function canonicalTar(files: ReadonlyMap<string, Uint8Array>): Promise<Uint8Array> {
  const entries = sortedBundlePaths(files.keys()).map((path) => {
    const body = files.get(path) ?? new Uint8Array();
    const plain = Buffer.byteLength(path) === path.length && path.length <= ustarNameBytesMax;
    return {
      header: {
        name: path,
        size: body.length,
        type: "file" as const,
        mode: 0o644,
        uid: 0,
        gid: 0,
        mtime: new Date(0),
        ...(plain ? {} : { pax: { path } }),
      },
      body,
    };
  });
  return packTar(entries);
}
