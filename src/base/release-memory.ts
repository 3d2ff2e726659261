/** Memory of smaller chunks is cheap for the collector and often shared. */
export const releasedBytesMin = 16 * 1024;

/**
 * Gives the memory of a chunk back at once instead of when the collector gets to it, which lets tens
 * of mebibytes of dead chunks gather under a fast sender. The chunk is empty afterwards, so nobody
 * may hold it. Does nothing to a small chunk, or to one that shares its memory.
 */
export function releaseMemory(chunk: Uint8Array): void {
  if (chunk.length < releasedBytesMin) return;
  const { buffer } = chunk;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === chunk.length) buffer.transfer(0);
}
