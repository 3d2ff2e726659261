import { crc32 } from "node:zlib";
import { createBundleIntake } from "./bundle-intake.ts";
import { invalidBundle, shownName, type UnpackMeter } from "./bundle-limits.ts";
import { inflateChunks } from "./inflate-chunks.ts";
import { readZipDirectory, type ZipEntry } from "./zip-directory.ts";

/**
 * The files of a zip archive. What the directory promises is held to the bounds before anything is
 * inflated; what comes out is counted again, piece by piece, and no entry may inflate to more or
 * less than its directory entry says. ReactorError `bundle_invalid` or `bundle_too_large`.
 */
export async function readZip(
  archive: Uint8Array,
  meter: UnpackMeter,
): Promise<Map<string, Uint8Array>> {
  const intake = createBundleIntake(meter);
  const directory = readZipDirectory(archive);
  const entries: { readonly path: string | undefined; readonly entry: ZipEntry }[] = [];
  for (const entry of directory.entries) {
    meter.claimBytes(entry.unpackedBytes, entry.name);
    if (entry.folder) intake.addFolder(entry.name);
    entries.push({ path: entry.folder ? undefined : intake.addFile(entry.name), entry });
  }
  requireTiling(
    entries.map(({ entry }) => entry),
    directory.startAt,
  );
  const files = new Map<string, Uint8Array>();
  for (const { path, entry } of entries) {
    const content = await unpack(entry, meter);
    if (path !== undefined) files.set(path, content);
  }
  return files;
}

/**
 * Every byte before the directory belongs to exactly one entry. Overlapping entries let a few bytes
 * unpack to any number (Fifield's bomb); bytes between entries are what another reader might find.
 */
function requireTiling(entries: readonly ZipEntry[], directoryAt: number): void {
  let at = 0;
  for (const { name, startAt, endAt } of entries.toSorted((a, b) => a.startAt - b.startAt)) {
    if (startAt < at) {
      throw invalidBundle(`entries of the zip overlap: ${shownName(name)} starts inside another`);
    }
    if (startAt > at) {
      throw invalidBundle(
        `${startAt - at} bytes before ${shownName(name)} belong to no entry of the zip`,
      );
    }
    at = endAt;
  }
  if (at !== directoryAt) {
    throw invalidBundle(`${directoryAt - at} bytes before the zip's directory belong to no entry`);
  }
}

async function unpack(entry: ZipEntry, meter: UnpackMeter): Promise<Uint8Array> {
  const content = entry.deflated ? await inflateEntry(entry, meter) : entry.packed.slice();
  if (!entry.deflated) meter.addBytes(content.length, entry.name);
  if (content.length !== entry.unpackedBytes) {
    throw invalidBundle(
      `${shownName(entry.name)} unpacks to ${content.length} bytes, its entry says ${entry.unpackedBytes}`,
    );
  }
  if (crc32(content) !== entry.crc32) {
    throw invalidBundle(`${shownName(entry.name)} does not match its checksum; pack it again`);
  }
  return content;
}

async function inflateEntry(entry: ZipEntry, meter: UnpackMeter): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const inflating = inflateChunks(entry.packed);
  let step = await nextChunk(inflating, entry);
  while (step.done !== true) {
    bytes += step.value.length;
    if (bytes > entry.unpackedBytes) {
      await inflating.return(0);
      throw invalidBundle(
        `${shownName(entry.name)} unpacks to more than the ${entry.unpackedBytes} bytes its entry says`,
      );
    }
    meter.addBytes(step.value.length, entry.name);
    chunks.push(step.value);
    step = await nextChunk(inflating, entry);
  }
  const rest = entry.packed.length - step.value;
  if (rest > 0) {
    throw invalidBundle(`${rest} bytes follow the end of the data of ${shownName(entry.name)}`);
  }
  return Buffer.concat(chunks);
}

async function nextChunk(
  chunks: AsyncGenerator<Uint8Array, number>,
  entry: ZipEntry,
): Promise<IteratorResult<Uint8Array, number>> {
  try {
    return await chunks.next();
  } catch (cause) {
    throw invalidBundle(`${shownName(entry.name)} cannot be inflated; pack it again`, cause);
  }
}
