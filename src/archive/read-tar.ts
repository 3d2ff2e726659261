import { parseBundlePath } from "../domain/bundle-path.ts";
import { createBundleIntake } from "./bundle-intake.ts";
import type { UnpackMeter } from "./bundle-limits.ts";
import { gunzipMember } from "./gunzip-member.ts";
import { TarParser } from "./tar-parser.ts";

const sliceBytes = 65_536;

/**
 * The files of a tar archive, gzipped or not. It is read twice: first it is only checked and
 * counted, headers and padding included, and dropped piece by piece, so that a bomb costs no
 * memory; then, when it is within its bounds, for its files. ReactorError
 * `bundle_invalid` or `bundle_too_large`.
 */
export async function readTar(
  archive: Uint8Array,
  meter: UnpackMeter,
  options: { readonly gzipped: boolean },
): Promise<Map<string, Uint8Array>> {
  if (!options.gzipped) {
    await check(slices(archive), meter);
    return collect(slices(archive));
  }
  await check(dropped(gunzipMember(archive)), meter);
  return collect(gunzipMember(archive));
}

type Pieces = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

function* slices(archive: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < archive.length; at += sliceBytes) {
    yield archive.subarray(at, at + sliceBytes);
  }
}

/**
 * Frees the memory of each piece once the next is asked for: left to the collector, 100 MB of them
 * pile up on Node before it looks. A piece that shares its memory with the next one is left alone.
 */
async function* dropped(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    yield piece;
    const { buffer } = piece;
    if (piece.length === buffer.byteLength && buffer instanceof ArrayBuffer) buffer.transfer(0);
  }
}

async function check(pieces: Pieces, meter: UnpackMeter): Promise<void> {
  const intake = createBundleIntake(meter);
  let at: string | undefined;
  const parser = new TarParser({
    onFile(name) {
      at = name;
      intake.addFile(name);
    },
    onBytes: () => undefined,
    onFolder: (name) => intake.addFolder(name),
    onGlobalHeader: () => meter.addEntry(),
  });
  for await (const piece of pieces) {
    meter.addBytes(piece.length, at);
    parser.push(piece);
  }
  parser.end();
}

/** The files of a tar that passed `check`. */
async function collect(pieces: Pieces): Promise<Map<string, Uint8Array>> {
  const found: { readonly path: string; readonly chunks: Uint8Array[] }[] = [];
  const parser = new TarParser({
    onFile: (name) => void found.push({ path: parseBundlePath(name), chunks: [] }),
    onBytes: (piece) => void found.at(-1)?.chunks.push(piece.slice()),
    onFolder: () => undefined,
    onGlobalHeader: () => undefined,
  });
  for await (const piece of pieces) parser.push(piece);
  parser.end();
  return new Map(found.map(({ path, chunks }) => [path, Buffer.concat(chunks)]));
}
