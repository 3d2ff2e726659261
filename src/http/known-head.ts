import type { ParsedHead } from "./parsed-head.ts";

/** Longer heads are parsed each time. */
const keptBytesMax = 4096;

/**
 * The last head of a connection. Most clients and proxies send the same bytes before each body, and
 * equal bytes mean the same head, so they are compared instead of parsed again.
 */
export class KnownHead {
  readonly head: ParsedHead;
  readonly #bytes: Buffer;

  private constructor(head: ParsedHead, bytes: Buffer) {
    this.head = head;
    this.#bytes = bytes;
  }

  /** Keeps a copy of the head's bytes, since the input becomes the body's; undefined when it is too long. */
  static of(head: ParsedHead, input: Buffer, start: number, end: number): KnownHead | undefined {
    if (end - start > keptBytesMax) return undefined;
    return new KnownHead(head, Buffer.from(input.subarray(start, end)));
  }

  get length(): number {
    return this.#bytes.length;
  }

  /** Whether these bytes come again at `at`. */
  isAt(input: Buffer, at: number): boolean {
    const bytes = this.#bytes;
    const end = at + bytes.length;
    return end <= input.length && input.compare(bytes, 0, bytes.length, at, end) === 0;
  }
}
