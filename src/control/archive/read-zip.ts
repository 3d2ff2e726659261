import { promisify } from "node:util";
import { crc32, inflateRaw } from "node:zlib";
import { createBundlePaths, parseBundlePath } from "../../domain/bundle-path.ts";
import { invalidBundle, type UnpackMeter } from "./bundle-limits.ts";
import { readZipDirectory, type ZipEntry } from "./zip-directory.ts";

const inflate = promisify(inflateRaw);

/**
 * The files of a zip archive. Sizes are counted from the directory before anything is inflated, and
 * no entry may inflate to more or less than its directory entry says.
 */
export async function readZip(
  archive: Uint8Array,
  meter: UnpackMeter,
): Promise<Map<string, Uint8Array>> {
  const paths = createBundlePaths();
  const entries: { readonly path: string; readonly entry: ZipEntry }[] = [];
  let packedBytes = 0;
  for (const entry of readZipDirectory(archive)) {
    meter.addEntry();
    meter.addBytes(entry.unpackedBytes);
    packedBytes += entry.packed.length;
    if (packedBytes > archive.length) {
      throw invalidBundle("entries of the zip overlap: they share the same packed bytes");
    }
    const path = parseBundlePath(entry.name);
    if (entry.folder) paths.addFolder(path);
    else {
      if (path === "") throw invalidBundle("an entry of the zip has no name");
      paths.addFile(path);
      entries.push({ path, entry });
    }
  }
  const files = new Map<string, Uint8Array>();
  for (const { path, entry } of entries) files.set(path, await unpack(path, entry));
  return files;
}

async function unpack(path: string, entry: ZipEntry): Promise<Uint8Array> {
  const content = entry.deflated ? await inflateEntry(path, entry) : entry.packed.slice();
  if (content.length !== entry.unpackedBytes) {
    throw invalidBundle(
      `"${path}" unpacks to ${content.length} bytes, its entry says ${entry.unpackedBytes}`,
    );
  }
  if (crc32(content) !== entry.crc32) {
    throw invalidBundle(`"${path}" does not match its checksum; pack it again`);
  }
  return content;
}

async function inflateEntry(path: string, entry: ZipEntry): Promise<Uint8Array> {
  try {
    // One byte of room more than announced, so that "too long" is told from "just right"; zlib
    // refuses a bound of zero.
    return await inflate(entry.packed, { maxOutputLength: entry.unpackedBytes + 1 });
  } catch (cause) {
    const tooLong =
      cause instanceof Error && "code" in cause && cause.code === "ERR_BUFFER_TOO_LARGE";
    const reason = tooLong
      ? `"${path}" unpacks to more than the ${entry.unpackedBytes} bytes its entry says`
      : `"${path}" cannot be inflated; pack it again`;
    throw invalidBundle(reason, cause);
  }
}
