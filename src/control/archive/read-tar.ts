import { createGunzip } from "node:zlib";
import { createTarDecoder, type ParsedTarEntry } from "modern-tar";
import { createBundlePaths, parseBundlePath } from "../../domain/bundle-path.ts";
import { ReactorError } from "../../domain/errors.ts";
import { invalidBundle, type UnpackMeter } from "./bundle-limits.ts";

const chunkBytes = 65_536;
const setIdMask = 0o6000;

/**
 * The files of a tar archive, gzipped or not. A gzipped one is inflated twice: first only counted,
 * headers and padding included, and dropped piece by piece, so that a bomb costs no memory; then, when
 * it is within its bounds, for its files.
 */
export async function readTar(
  archive: Uint8Array,
  meter: UnpackMeter,
  options: { readonly gzipped: boolean },
): Promise<Map<string, Uint8Array>> {
  const decoder = createTarDecoder({ strict: true });
  const source = options.gzipped ? gunzip(archive) : slices(archive);
  if (options.gzipped) await count(gunzip(archive), meter);
  else meter.addBytes(archive.length);
  const feeding = feed(source, decoder.writable);
  try {
    const files = await collect(decoder.readable, meter);
    await feeding;
    return files;
  } catch (error) {
    // Whichever side failed first has stopped the other; the feeder's reason is the more precise.
    const reason = await feeding.then(() => error).catch((cause: unknown) => cause);
    if (error instanceof ReactorError) throw error;
    throw invalidBundle(
      `the ${options.gzipped ? "tar.gz" : "tar"} is damaged: ${messageOf(reason)}`,
      reason,
    );
  }
}

function* slices(archive: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < archive.length; at += chunkBytes) {
    yield archive.subarray(at, at + chunkBytes);
  }
}

async function* gunzip(archive: Uint8Array): AsyncGenerator<Uint8Array> {
  const stream = createGunzip({ chunkSize: chunkBytes });
  stream.end(archive);
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
  } finally {
    stream.destroy();
  }
}

async function count(source: AsyncIterable<Uint8Array>, meter: UnpackMeter): Promise<void> {
  try {
    for await (const chunk of source) meter.addBytes(chunk.length);
  } catch (error) {
    if (error instanceof ReactorError) throw error;
    throw invalidBundle(`the tar.gz is damaged: ${messageOf(error)}`, error);
  }
}

async function feed(
  source: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  sink: WritableStream<Uint8Array>,
): Promise<void> {
  const writer = sink.getWriter();
  try {
    for await (const chunk of source) {
      await writer.write(chunk);
    }
    await writer.close();
  } catch (error) {
    await writer.abort(error).catch((alreadyFailed: unknown) => alreadyFailed);
    throw error;
  }
}

async function collect(
  entries: ReadableStream<ParsedTarEntry>,
  meter: UnpackMeter,
): Promise<Map<string, Uint8Array>> {
  const paths = createBundlePaths();
  const files = new Map<string, Uint8Array>();
  for await (const { header, body } of entries) {
    meter.addEntry();
    const path = parseBundlePath(header.name);
    if (header.type === "directory") {
      paths.addFolder(path);
      await body.cancel();
      continue;
    }
    checkHeader(header, path);
    paths.addFile(path);
    files.set(path, await readBody(body, header.size));
  }
  return files;
}

function checkHeader(header: ParsedTarEntry["header"], path: string): void {
  const name = JSON.stringify(header.name.slice(0, 120));
  if (header.type !== "file") {
    throw invalidBundle(`${name} is a ${header.type}; only files and folders are allowed`);
  }
  if (path === "") throw invalidBundle("an entry of the tar has no name");
  if (((header.mode ?? 0) & setIdMask) !== 0) {
    throw invalidBundle(`${name} is setuid or setgid; clear those bits`);
  }
  const sparse = Object.keys(header.pax ?? {}).some((key) => key.startsWith("GNU.sparse."));
  if (sparse) throw invalidBundle(`${name} is a sparse file; pack it without --sparse`);
}

async function readBody(body: ReadableStream<Uint8Array>, size: number): Promise<Uint8Array> {
  // Grown from the chunks rather than allocated from the header, which may lie about its size.
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const content = Buffer.concat(chunks);
  if (content.length !== size) throw invalidBundle("the tar ends in the middle of a file");
  return content;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
