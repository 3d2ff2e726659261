/** Reads exact counts from a stream of chunks, keeping at most one chunk. */
export interface ByteSource {
  /** Bytes handed out so far. */
  readonly position: number;
  /** Exactly `count` bytes as they come, in pieces; fewer when the stream ends. */
  pieces(count: number): AsyncIterable<Uint8Array>;
  /** The same as one array, for small counts. */
  take(count: number): Promise<Uint8Array>;
  /** Whether nothing is left. */
  ended(): Promise<boolean>;
}

export function createByteSource(chunks: AsyncIterable<Uint8Array>): ByteSource {
  const iterator = chunks[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array();
  let position = 0;
  /** Whether `rest` holds a byte, after reading on when it does not. */
  const filled = async (): Promise<boolean> => {
    while (rest.length === 0) {
      const next = await iterator.next();
      if (next.done === true) return false;
      rest = next.value;
    }
    return true;
  };
  async function* pieces(count: number): AsyncGenerator<Uint8Array> {
    for (let left = count; left > 0; ) {
      if (!(await filled())) return;
      const piece = rest.subarray(0, left);
      rest = rest.subarray(piece.length);
      left -= piece.length;
      position += piece.length;
      yield piece;
    }
  }
  return {
    get position() {
      return position;
    },
    pieces,
    async take(count) {
      const taken: Uint8Array[] = [];
      for await (const piece of pieces(count)) taken.push(Buffer.from(piece));
      return Buffer.concat(taken);
    },
    ended: async () => !(await filled()),
  };
}
