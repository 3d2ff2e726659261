import { createInflateRaw } from "node:zlib";

/** Largest piece that one step of inflating may turn into. */
export const inflateChunkBytes = 65_536;

/**
 * Inflates raw deflate data piece by piece and returns how many of the packed bytes it took: what
 * follows the end of the data is not looked at. Whoever stops early stops the inflating. Throws
 * zlib's error when the data is damaged or cut short.
 */
export async function* inflateChunks(packed: Uint8Array): AsyncGenerator<Uint8Array, number> {
  const stream = createInflateRaw({ chunkSize: inflateChunkBytes });
  stream.end(packed);
  try {
    for await (const chunk of stream) yield chunk as Uint8Array;
    return stream.bytesWritten;
  } finally {
    stream.destroy();
  }
}
