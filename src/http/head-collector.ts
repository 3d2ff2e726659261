import type { ReactorError } from "../domain/errors.ts";
import type { HttpLimits } from "./http-limits.ts";
import { headTooLarge, methodBytesMax, targetTooLong, unreadable } from "./parse-head.ts";

/** What a request line holds beside method and target. */
const lineExtraBytes = " ".length + " HTTP/1.1\r\n".length;
const firstCapacity = 1024;

const cr = 13;
const lf = 10;

/**
 * Collects a request head that arrives in pieces. Only line ends are looked at, each byte once, so
 * a client that sends byte by byte costs no more than one that does not; the verdict is the same
 * however the bytes are cut.
 */
export class HeadCollector {
  readonly #limits: HttpLimits;
  #bytes = Buffer.allocUnsafe(firstCapacity);
  #length = 0;
  /** Bytes looked at. */
  #scanned = 0;
  #lineStart = 0;

  constructor(limits: HttpLimits) {
    this.#limits = limits;
  }

  /** Everything collected; bytes behind the head are the beginning of the body. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Takes a piece. Returns the length of the head once it is whole, -1 before, or the refusal. */
  add(chunk: Buffer): number | ReactorError {
    this.#append(chunk);
    while (this.#scanned < this.#length) {
      const at = this.#bytes.subarray(0, this.#length).indexOf(lf, this.#scanned);
      this.#scanned = at < 0 ? this.#length : at + 1;
      const refusal = this.#overLimit();
      if (refusal !== undefined) return refusal;
      if (at < 0) break;
      if (at === 0 || this.#bytes[at - 1] !== cr) return unreadable("a line ends with LF alone");
      if (at - 1 === this.#lineStart) return at + 1;
      this.#lineStart = at + 1;
    }
    return -1;
  }

  #overLimit(): ReactorError | undefined {
    const { uriBytesMax, headerBytesMax } = this.#limits;
    const lineBytesMax = uriBytesMax + methodBytesMax + lineExtraBytes;
    if (this.#lineStart === 0 && this.#scanned > lineBytesMax) return targetTooLong(uriBytesMax);
    return this.#scanned > headerBytesMax ? headTooLarge(headerBytesMax) : undefined;
  }

  #append(chunk: Buffer): void {
    const length = this.#length + chunk.length;
    if (length > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(length, 2 * this.#bytes.length));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    chunk.copy(this.#bytes, this.#length);
    this.#length = length;
  }
}
